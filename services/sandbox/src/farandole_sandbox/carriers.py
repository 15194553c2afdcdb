"""The carriers: shipments, and the webhook that says where they ended."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Annotated, Final

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done
from farandole_sandbox.desk import Name, ShipTo, doing, looking_up
from farandole_sandbox.effect import Effect
from farandole_sandbox.faults import FaultKind
from farandole_sandbox.owed import due_after, webhook
from farandole_sandbox.sandbox import Sandbox
from farandole_sandbox.settings import Settings

_COMES_BACK: Final = "RETURN"


class ShipmentRequest(msgspec.Struct, frozen=True):
    """A packed order, for whom."""

    order_id: Name
    package_id: Name
    ship_to: ShipTo
    parcels: Annotated[int, msgspec.Meta(gt=0, le=10**6)]


def ship(connection: sqlite3.Connection, call: Call, asked: ShipmentRequest, *, settings: Settings) -> Answer:
    """Take a shipment; the webhook says later that it was delivered, or came back."""
    shipment_id = call.id("ship")
    carrier = call.parameters["carrier"]
    tracking_number = _tracking_number(carrier, shipment_id)
    Effect(
        id=shipment_id,
        kind="shipment",
        once=f"shipment:{asked.order_id}",
        key=call.key,
        at=call.at,
        order_id=asked.order_id,
        parent=asked.package_id,
        detail={"carrier": carrier, "tracking_number": tracking_number, "parcels": asked.parcels},
    ).record(connection)
    returns = FaultKind.RETURNS in call.struck or _COMES_BACK in asked.ship_to.name
    news = {"type": "returned", "reason": "refused by the recipient"} if returns else {"type": "delivered"}
    owed = webhook(
        call,
        receiver="shipping",
        effect=shipment_id,
        due=due_after(call, settings.sandbox_delivery_delay, settings),
        order_id=asked.order_id,
        carrier=carrier,
        shipment_id=shipment_id,
        tracking_number=tracking_number,
        **news,
    )
    return done(201, owed, shipment_id=shipment_id, tracking_number=tracking_number, dispatched_at=call.at)


def _tracking_number(carrier: str, shipment_id: str) -> str:
    letters = "".join(word[0] for word in carrier.split()).upper()[:3]
    digits = int.from_bytes(hashlib.blake2b(shipment_id.encode(), digest_size=6).digest(), "big") % 10**12
    return f"{letters}{digits:012d}"


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the carriers' routes."""

    def shipping(connection: sqlite3.Connection, call: Call, asked: ShipmentRequest) -> Answer:
        return ship(connection, call, asked, settings=sandbox.settings)

    path = "/carriers/{carrier}/shipments"
    return [
        Route(path, doing(sandbox, ShipmentRequest, shipping), methods=["POST"]),
        Route(path + "/{shipment_id}", looking_up(sandbox, "shipment", "shipment_id"), methods=["GET"]),
    ]

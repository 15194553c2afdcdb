"""HttpCarriers: the carriers over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from farandole.outside import OutsideRefusal, OutsideRefusedError, OutsideSystem, outside_system
from farandole_events import OrderPacked

from farandole_shipping.carrier import Carriers, Consignment
from farandole_shipping.settings import ShippingSettings

_SLASHES: Final = re.compile(r"[/\\]")


class _Taken(msgspec.Struct, frozen=True):
    shipment_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    tracking_number: Annotated[str, msgspec.Meta(max_length=256)]
    dispatched_at: Annotated[datetime, msgspec.Meta(tz=True)]


class HttpCarriers:
    """Asks the carriers over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def hand_over(self, packed: OrderPacked, *, idempotency_key: str) -> Consignment:
        """See Carriers."""
        path = f"/carriers/{_segment(packed.carrier)}/shipments"
        body = {
            "order_id": packed.order_id,
            "package_id": packed.package_id,
            "ship_to": msgspec.to_builtins(packed.ship_to),
            "parcels": packed.parcels,
        }
        try:
            taken = await self._system.post(path, body, _Taken, idempotency_key=idempotency_key)
        except OutsideRefusal as refused:
            raise self._system.unexpected(refused.refusal) from refused
        return Consignment(
            shipment_id=taken.shipment_id, tracking_number=taken.tracking_number, dispatched_at=taken.dispatched_at
        )


def _segment(carrier: str) -> str:
    """Return a carrier's name as one part of a path.

    Dots cannot be escaped: clients and proxies take ``..``, also between escaped slashes, for the way to another path.
    """
    if {"", ".", ".."} & set(_SLASHES.split(carrier)):
        raise OutsideRefusedError(
            f"{carrier!r} cannot be the name of a carrier",
            why="in the path of a request it would lead elsewhere",
            do="look who places orders with such a carrier",
        )
    return quote(carrier, safe="")


@asynccontextmanager
async def connect(settings: ShippingSettings) -> AsyncGenerator[Carriers]:
    """Give the carriers at the address of the settings, and close the connections in the end."""
    async with outside_system(
        "the carrier",
        settings.carriers_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpCarriers(system)

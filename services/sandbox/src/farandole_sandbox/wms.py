"""The warehouse system: packages, and their cancellation before a carrier has them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done, refused, unknown
from farandole_sandbox.desk import Name, Nothing, Quantity, ShipTo, doing, looking_up
from farandole_sandbox.effect import Effect, children, find
from farandole_sandbox.sandbox import Sandbox

_PIECES_A_PARCEL: Final = 40


class PackageLine(msgspec.Struct, frozen=True):
    """How many of a product go into the package."""

    product_id: Name
    quantity: Quantity


class PackageRequest(msgspec.Struct, frozen=True):
    """What is to be packed, for whom, for which carrier."""

    order_id: Name
    lines: Annotated[list[PackageLine], msgspec.Meta(min_length=1, max_length=1000)]
    ship_to: ShipTo
    carrier: Name


def pack(connection: sqlite3.Connection, call: Call, asked: PackageRequest) -> Answer:
    """Pack an order."""
    package_id = call.id("pkg")
    contents = {
        "parcels": -(-sum(line.quantity for line in asked.lines) // _PIECES_A_PARCEL),
        "weight_grams": weight_grams(asked.lines),
    }
    Effect(
        id=package_id,
        kind="package",
        once=f"package:{asked.order_id}",
        key=call.key,
        at=call.at,
        order_id=asked.order_id,
        detail={**contents, "carrier": asked.carrier, "lines": msgspec.to_builtins(asked.lines)},
    ).record(connection)
    return done(201, package_id=package_id, order_id=asked.order_id, packed_at=call.at, **contents)


def cancel(connection: sqlite3.Connection, call: Call, _: Nothing) -> Answer:
    """Unpack a package that no carrier has yet; one that is unpacked already stays so."""
    package_id = call.parameters["package_id"]
    package = find(connection, package_id, "package")
    if package is None:
        return unknown("package", package_id)
    for effect in children(connection, package_id):
        if effect.kind == "shipment":
            return refused(409, "already_dispatched", "the carrier has the package", shipment_id=effect.id)
        if effect.kind == "package_cancellation":
            return done(200, cancellation_id=effect.id, package_id=package_id)
    cancellation_id = call.id("unpack")
    Effect(
        id=cancellation_id,
        kind="package_cancellation",
        once=f"package_cancellation:{package_id}",
        key=call.key,
        at=call.at,
        order_id=package.order_id,
        parent=package_id,
        detail={},
    ).record(connection)
    return done(200, cancellation_id=cancellation_id, package_id=package_id)


def weight_grams(lines: Sequence[PackageLine]) -> int:
    """Return what the lines weigh; a product weighs the same in every run."""
    return sum(line.quantity * _piece_grams(line.product_id) for line in lines)


def _piece_grams(product_id: str) -> int:
    return 200 + int.from_bytes(hashlib.blake2b(product_id.encode(), digest_size=2).digest(), "big") % 1800


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the warehouse system's routes."""
    cancelling = doing(sandbox, Nothing, cancel)
    return [
        Route("/wms/packages", doing(sandbox, PackageRequest, pack), methods=["POST"]),
        Route("/wms/packages/{package_id}", looking_up(sandbox, "package", "package_id"), methods=["GET"]),
        Route("/wms/packages/{package_id}/cancellation", cancelling, methods=["POST"]),
    ]

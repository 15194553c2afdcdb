"""HttpWarehouseSystem: the warehouse floor over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system
from farandole_events import Address, StockLine

from farandole_warehouse.settings import WarehouseSettings
from farandole_warehouse.wms import Package, WarehouseSystem

_MOST: Final = 2**31 - 1
"""What an Avro int holds."""


class _Packed(msgspec.Struct, frozen=True):
    package_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    parcels: Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
    weight_grams: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] | None = None


class HttpWarehouseSystem:
    """Asks the warehouse system over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def pack(
        self, order_id: str, lines: tuple[StockLine, ...], ship_to: Address, carrier: str, *, idempotency_key: str
    ) -> Package:
        """See WarehouseSystem."""
        body = {
            "order_id": order_id,
            "lines": msgspec.to_builtins(lines),
            "ship_to": msgspec.to_builtins(ship_to),
            "carrier": carrier,
        }
        try:
            packed = await self._system.post("/wms/packages", body, _Packed, idempotency_key=idempotency_key)
        except OutsideRefusal as refused:
            raise self._system.unexpected(refused.refusal) from refused
        return Package(package_id=packed.package_id, parcels=packed.parcels, weight_grams=packed.weight_grams)


@asynccontextmanager
async def connect(settings: WarehouseSettings) -> AsyncGenerator[WarehouseSystem]:
    """Give the warehouse system at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "the warehouse system",
        settings.wms_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpWarehouseSystem(system)

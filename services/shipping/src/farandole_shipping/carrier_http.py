"""HttpCarriers: the carriers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system, path_segment
from farandole_events import OrderPacked

from farandole_shipping.carrier import Carriers, Consignment
from farandole_shipping.settings import ShippingSettings


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
        path = f"/carriers/{path_segment(packed.carrier)}/shipments"
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

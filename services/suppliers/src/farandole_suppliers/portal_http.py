"""HttpPortal: the supplier portal over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system, path_segment

from farandole_suppliers.portal import PurchaseOrder, SupplierPortal
from farandole_suppliers.settings import SuppliersSettings


class _Taken(msgspec.Struct, frozen=True):
    purchase_order_id: str
    expected_at: datetime | None = None


class HttpPortal:
    """Orders over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def order(
        self, supplier_id: str, product_id: str, quantity: int, *, shortage_id: str, idempotency_key: str
    ) -> PurchaseOrder:
        """See SupplierPortal."""
        path = f"/suppliers/{path_segment(supplier_id)}/purchase-orders"
        body = {"product_id": product_id, "quantity": quantity, "shortage_id": shortage_id}
        try:
            taken = await self._system.post(path, body, _Taken, idempotency_key=idempotency_key)
        except OutsideRefusal as no:
            raise self._system.unexpected(no.refusal) from no
        return PurchaseOrder(purchase_order_id=taken.purchase_order_id, expected_at=taken.expected_at)


@asynccontextmanager
async def connect(settings: SuppliersSettings) -> AsyncGenerator[SupplierPortal]:
    """Give the portal at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "the supplier portal",
        settings.portal_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpPortal(system)

"""HttpSalesLedger: the ERP over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system

from farandole_erp.sales_ledger import Posting, SalesLedger, Stage
from farandole_erp.settings import ErpSettings


class _Posted(msgspec.Struct, frozen=True):
    sales_order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    posted_at: Annotated[datetime, msgspec.Meta(tz=True)]


class HttpSalesLedger:
    """Asks the ERP over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def post(self, order_id: str, stage: Stage, document: Mapping[str, Any], *, idempotency_key: str) -> Posting:
        """See SalesLedger."""
        body = {"order_id": order_id, "stage": stage.value, "document": dict(document)}
        try:
            posted = await self._system.post("/erp/sales-orders", body, _Posted, idempotency_key=idempotency_key)
        except OutsideRefusal as refused:
            raise self._system.unexpected(refused.refusal) from refused
        return Posting(sales_order_id=posted.sales_order_id, posted_at=posted.posted_at)


@asynccontextmanager
async def connect(settings: ErpSettings) -> AsyncGenerator[SalesLedger]:
    """Give the ERP at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "the ERP",
        settings.erp_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpSalesLedger(system)

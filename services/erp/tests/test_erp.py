"""The ERP service posts each stage of an order once, in whatever order the stages come, however often the ERP fails."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from farandole.testing import Harness
from farandole_erp.sales_ledger import Posting, SalesLedger, Stage
from farandole_erp.service import service
from farandole_events import (
    Address,
    CreditNoteIssued,
    InvoiceIssued,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
    SalesOrderPosted,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PLACED = OrderPlaced(
    order_id="o-1",
    customer_id="VINET",
    reference="10248",
    order_date=NOON,
    lines=(OrderLine(product_id="11", product_name="Queso", quantity=1, unit_price_cents=1400, total_cents=1400),),
    freight_cents=100,
    total_cents=1500,
    currency="USD",
    ship_to=Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country="France"),
    carrier="Federal Shipping",
    payment_token="tok_secret",
)
INVOICED = InvoiceIssued(
    order_id="o-1",
    invoice_number=1,
    customer_id="VINET",
    total_cents=1500,
    currency="USD",
    paid=True,
    issued_at=NOON,
)
CANCELLED = OrderCancelled(order_id="o-1", customer_id="VINET", reason="came back", cause="returned")
CREDITED = CreditNoteIssued(
    order_id="o-1", credit_note_number=1, invoice_number=1, total_cents=1500, currency="USD", issued_at=NOON
)


class FakeLedger:
    """An ERP in memory: one sales order an order; honours the key, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.posted: dict[str, Mapping[str, Any]] = {}

    async def post(self, order_id: str, stage: Stage, document: Mapping[str, Any], *, idempotency_key: str) -> Posting:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the ERP does not answer")
        self.posted.setdefault(idempotency_key, document)
        return Posting(sales_order_id=f"so-{order_id}", posted_at=NOON)


@pytest.mark.parametrize("arrival", list(itertools.permutations((PLACED, INVOICED, CANCELLED, CREDITED)))[::5])
async def test_every_stage_is_posted_once_in_whatever_order_they_come(arrival):
    erp = FakeLedger()
    async with Harness(service, provide={SalesLedger: erp}) as harness:
        await harness.deliver(*arrival, *arrival)
        stages = sorted(one.stage for one in harness.events(SalesOrderPosted))
        assert sorted(set(stages)) == ["cancelled", "credited", "invoiced", "placed"]
        assert sorted(erp.posted) == [f"posting:o-1:{stage}" for stage in sorted(set(stages))]


async def test_what_pays_for_an_order_never_reaches_the_erp():
    erp = FakeLedger()
    async with Harness(service, provide={SalesLedger: erp}) as harness:
        await harness.deliver(PLACED)
        assert "tok_secret" not in str(erp.posted)
        assert erp.posted["posting:o-1:placed"]["reference"] == "10248"


async def test_an_erp_that_fails_is_asked_again_with_the_same_key():
    erp = FakeLedger(failures=3)
    async with Harness(service, provide={SalesLedger: erp}) as harness:
        await harness.deliver(PLACED)
        assert harness.events(SalesOrderPosted) == []
        await harness.advance(timedelta(minutes=5))
        assert len(harness.events(SalesOrderPosted)) == 1
        assert list(erp.posted) == ["posting:o-1:placed"]

"""The ERP service posts each stage of an order once, in whatever order the stages come, however often the ERP fails."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from farandole import Event
from farandole.testing import Harness
from farandole_erp.sales_ledger import SalesLedger
from farandole_erp.service import service
from farandole_erp.testing import FakeSalesLedger
from farandole_erp.testing.fake_sales_ledger import LOST_ANSWER, OUTAGE
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


@pytest.fixture
def erp() -> FakeSalesLedger:
    return FakeSalesLedger()


@pytest.fixture
async def replicas(erp: FakeSalesLedger, database_url: str) -> AsyncIterator[tuple[Harness, Harness]]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(Harness(service, provide={SalesLedger: erp}, database_url=database_url))
            for _ in range(2)
        ]
        yield first, second


@pytest.fixture
def harness(replicas: tuple[Harness, Harness]) -> Harness:
    return replicas[0]


@pytest.mark.parametrize("arrival", list(itertools.permutations((PLACED, INVOICED, CANCELLED, CREDITED)))[::5])
async def test_every_stage_is_posted_and_told_of_once_in_whatever_order_they_come(
    harness: Harness, erp: FakeSalesLedger, arrival: tuple[Event, ...]
) -> None:
    await harness.deliver(*arrival, *arrival)
    stages = Counter(one.stage for one in harness.events(SalesOrderPosted))
    assert stages == {"placed": 1, "invoiced": 1, "cancelled": 1, "credited": 1}
    assert sorted(erp.posted) == sorted(f"posting:o-1:{stage}" for stage in stages)


async def test_what_pays_for_an_order_never_reaches_the_erp(harness: Harness, erp: FakeSalesLedger) -> None:
    await harness.deliver(PLACED)
    assert "tok_secret" not in str(erp.posted)
    _, _, document = erp.posted["posting:o-1:placed"]
    assert document["reference"] == "10248"
    assert "tok_secret" not in (await harness.http.get("/postings")).text


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_an_erp_that_does_not_answer_is_asked_again_with_the_same_key(
    harness: Harness, erp: FakeSalesLedger, fault: str
) -> None:
    erp.faults.extend([fault] * 3)
    await harness.deliver(PLACED)
    assert harness.events(SalesOrderPosted) == []
    await harness.advance(timedelta(minutes=5))
    assert len(harness.events(SalesOrderPosted)) == 1
    assert erp.calls == ["posting:o-1:placed"] * 4


async def test_a_stage_with_another_document_is_for_people_to_look_at(harness: Harness, erp: FakeSalesLedger) -> None:
    await harness.deliver(INVOICED)
    await harness.deliver(msgspec.structs.replace(INVOICED, invoice_number=2))
    assert len(harness.dead_letters) == 1
    assert len(harness.events(SalesOrderPosted)) == 1
    assert len(erp.posted) == 1


async def test_two_replicas_that_post_one_stage_at_once_tell_of_it_once(
    replicas: tuple[Harness, Harness], erp: FakeSalesLedger
) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    erp.before = meet
    await asyncio.gather(*(replica.deliver(PLACED) for replica in replicas))
    assert len(erp.calls) == 2
    assert sum(len(replica.events(SalesOrderPosted)) for replica in replicas) == 1
    assert [replica.dead_letters for replica in replicas] == [[], []]


async def test_postings_are_listed_a_page_at_a_time_also_within_an_order(harness: Harness) -> None:
    other = msgspec.structs.replace(PLACED, order_id="o/2")
    await harness.deliver(PLACED, INVOICED, CANCELLED, other)
    everything = (await harness.http.get("/postings")).json()
    assert everything["next"] is None
    assert {(one["order_id"], one["stage"]) for one in everything["postings"]} == {
        ("o-1", "placed"),
        ("o-1", "invoiced"),
        ("o-1", "cancelled"),
        ("o/2", "placed"),
    }
    found, after = [], ""
    while after is not None:
        page = (await harness.http.get("/postings", params={"limit": 1, "after": after})).json()
        found += page["postings"]
        after = page["next"]
    assert found == everything["postings"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=%C2%B2", "limit=", "after=%00/x", "after=o-1"],
)
async def test_a_page_that_is_none_is_refused_in_words(harness: Harness, query: str) -> None:
    answer = await harness.http.get(f"/postings?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(("limit", "after"))

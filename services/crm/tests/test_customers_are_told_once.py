"""The CRM service tells a customer each thing about an order once, however often its event arrives or the CRM fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from farandole.testing import Harness
from farandole_crm.messenger import Messenger, Template
from farandole_crm.service import service
from farandole_crm.testing import FakeMessenger
from farandole_crm.testing.fake_messenger import LOST_ANSWER, OUTAGE
from farandole_events import CustomerNotified, OrderCancelled, OrderCompleted, ShipmentDispatched, StockBackordered

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BACKORDERED = StockBackordered(order_id="o-1", customer_id="VINET", missing=(), deadline=NOON)
DISPATCHED = ShipmentDispatched(
    order_id="o-1",
    shipment_id="s-1",
    tracking_number="T1",
    carrier="Speedy Express",
    customer_id="VINET",
    dispatched_at=NOON,
)
COMPLETED = OrderCompleted(order_id="o-1", customer_id="VINET", total_cents=1, currency="USD", completed_at=NOON)
CANCELLED = OrderCancelled(order_id="o-2", customer_id="TOMSP", reason="insufficient funds", cause="payment_declined")


@pytest.fixture
def crm() -> FakeMessenger:
    return FakeMessenger()


@pytest.fixture
async def replicas(crm: FakeMessenger, database_url: str) -> AsyncIterator[tuple[Harness, Harness]]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(Harness(service, provide={Messenger: crm}, database_url=database_url))
            for _ in range(2)
        ]
        yield first, second


@pytest.fixture
def harness(replicas: tuple[Harness, Harness]) -> Harness:
    return replicas[0]


async def test_a_customer_is_told_of_every_turn_of_an_order(harness: Harness, crm: FakeMessenger) -> None:
    await harness.deliver(BACKORDERED, DISPATCHED, COMPLETED, CANCELLED)
    told = Counter(one.template for one in harness.events(CustomerNotified))
    assert told == {Template.BACKORDERED: 1, Template.DISPATCHED: 1, Template.COMPLETED: 1, Template.CANCELLED: 1}
    assert crm.sent["notification:o-1:order-backordered"].parameters == {"until": "2026-01-05"}
    assert crm.sent["notification:o-1:order-dispatched"].parameters["tracking_number"] == "T1"
    assert crm.sent["notification:o-2:order-cancelled"].parameters["reason"] == "insufficient funds"


async def test_the_same_thing_is_told_once_also_under_another_event_id(harness: Harness, crm: FakeMessenger) -> None:
    await harness.deliver(COMPLETED)
    await harness.deliver(COMPLETED)
    assert crm.calls == ["notification:o-1:order-completed"], "a CRM may have forgotten the key: it is not asked again"
    assert len(harness.events(CustomerNotified)) == 1


async def test_the_same_thing_in_other_words_is_not_told_again(harness: Harness, crm: FakeMessenger) -> None:
    await harness.deliver(BACKORDERED)
    await harness.deliver(msgspec.structs.replace(BACKORDERED, deadline=NOON + timedelta(days=1)))
    assert len(crm.sent) == 1
    assert len(harness.events(CustomerNotified)) == 1
    assert harness.dead_letters == []


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_a_crm_that_does_not_answer_is_asked_again_with_the_same_key(
    harness: Harness, crm: FakeMessenger, fault: str
) -> None:
    crm.faults.extend([fault] * 3)
    await harness.deliver(DISPATCHED)
    assert harness.events(CustomerNotified) == []
    await harness.advance(timedelta(minutes=5))
    assert len(harness.events(CustomerNotified)) == 1
    assert crm.calls == ["notification:o-1:order-dispatched"] * 4


async def test_two_replicas_that_tell_one_thing_at_once_say_so_once(
    replicas: tuple[Harness, Harness], crm: FakeMessenger
) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    crm.before = meet
    await asyncio.gather(*(replica.deliver(COMPLETED) for replica in replicas))
    assert len(crm.calls) == 2
    assert sum(len(replica.events(CustomerNotified)) for replica in replicas) == 1
    assert [replica.dead_letters for replica in replicas] == [[], []]


async def test_notifications_are_listed_a_page_at_a_time_also_within_an_order(harness: Harness) -> None:
    await harness.deliver(BACKORDERED, DISPATCHED, COMPLETED, CANCELLED)
    everything = (await harness.http.get("/notifications")).json()
    assert everything["next"] is None
    assert len(everything["notifications"]) == 4
    found, after = [], ""
    while after is not None:
        page = (await harness.http.get("/notifications", params={"limit": 1, "after": after})).json()
        found += page["notifications"]
        after = page["next"]
    assert found == everything["notifications"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=%C2%B2", "limit=", "after=%00/x", "after=o-1"],
)
async def test_a_page_that_is_none_is_refused_in_words(harness: Harness, query: str) -> None:
    answer = await harness.http.get(f"/notifications?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(("limit", "after"))

"""What is heard of an order moves it forwards only, and ends it exactly once, whatever comes in whichever order.

The last tests let hypothesis shuffle and double the events of whole scenarios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from farandole import Event
from farandole.testing import Harness, assert_repeatable
from farandole_events import (
    Address,
    BillTo,
    CancellationRefused,
    CreditNoteIssued,
    FulfilmentCancelled,
    InvoiceIssued,
    OrderCancelled,
    OrderCompleted,
    OrderPacked,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
    StockBackordered,
    StockRejected,
    StockReleased,
    StockReserved,
)
from farandole_orders.service import service
from farandole_orders.standing import Cause, News, Standing, Status, advance
from hypothesis import given, settings
from hypothesis import strategies as st

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CASH: Mapping[str, Any] = {"amount_cents": 100, "currency": "USD"}


class Life:
    """The events that other services say of one order."""

    def __init__(self, order_id: str) -> None:
        one: Mapping[str, Any] = {"order_id": order_id}
        to = Address(name="n", street="s", city="c", country="France")
        parcel: Mapping[str, Any] = {**one, "shipment_id": "s-1", "tracking_number": "t-1"}
        bill = BillTo(customer_id="VINET", reference="1", lines=(), total_cents=100, currency="USD", address=to)
        self.backordered = StockBackordered(**one, customer_id="VINET", missing=(), deadline=NOON)
        self.reserved = StockReserved(**one, reservation_id="r", customer_id="VINET", lines=(), ship_to=to, carrier="3")
        self.rejected = StockRejected(**one, reason="discontinued", lines=())
        self.released = StockReleased(**one, reservation_id="r", lines=())
        self.authorised = PaymentAuthorised(**one, hold_id="h", expires_at=NOON, **CASH)
        self.declined = PaymentDeclined(**one, reason="no money")
        self.captured = PaymentCaptured(**one, capture_id="c", hold_id="h", bill=bill, **CASH)
        self.capture_failed = PaymentCaptureFailed(**one, hold_id="h", reason="lapsed", bill=bill, **CASH)
        self.voided = PaymentVoided(**one, hold_id="h")
        self.refunded = PaymentRefunded(**one, capture_id="c", refund_id="r", **CASH)
        self.packed = OrderPacked(
            **one, package_id="p", parcels=1, lines=(), ship_to=to, carrier="3", customer_id="VINET"
        )
        self.stopped = FulfilmentCancelled(**one, reason="stopped")
        self.refused = CancellationRefused(**one, reason="packed")
        self.dispatched = ShipmentDispatched(**parcel, carrier="3", customer_id="VINET", dispatched_at=NOON)
        self.delivered = ShipmentDelivered(**parcel, delivered_at=NOON)
        self.returned = ShipmentReturned(**parcel, reason="nobody home", returned_at=NOON)
        self.invoiced = InvoiceIssued(
            **one, invoice_number=1, customer_id="VINET", total_cents=100, currency="USD", paid=True, issued_at=NOON
        )
        self.credited = CreditNoteIssued(
            **one, credit_note_number=1, invoice_number=1, total_cents=100, currency="USD", issued_at=NOON
        )


SCENARIOS: Mapping[str, tuple[tuple[str, ...], str, frozenset[str]]] = {
    "delivered and paid": (
        ("backordered", "authorised", "reserved", "packed", "dispatched", "captured", "invoiced", "delivered"),
        "completed",
        frozenset(),
    ),
    "delivered, never paid": (
        ("reserved", "authorised", "packed", "dispatched", "capture_failed", "delivered", "invoiced"),
        "completed",
        frozenset(),
    ),
    "delivered although the customer wanted to cancel": (
        ("reserved", "authorised", "packed", "refused", "dispatched", "captured", "delivered", "invoiced"),
        "completed",
        frozenset(),
    ),
    "no goods": (("backordered", "authorised", "rejected", "voided"), "cancelled", frozenset({"stock_rejected"})),
    "no money": (("reserved", "declined", "released"), "cancelled", frozenset({"payment_declined"})),
    "no goods and no money": (
        ("rejected", "declined"),
        "cancelled",
        frozenset({"stock_rejected", "payment_declined"}),
    ),
    "the customer cancelled": (
        ("reserved", "authorised", "stopped", "released", "voided"),
        "cancelled",
        frozenset({"customer"}),
    ),
    "came back": (
        ("reserved", "authorised", "packed", "dispatched", "captured", "invoiced", "returned", "refunded", "credited"),
        "cancelled",
        frozenset({"returned"}),
    ),
    "on its way": (("authorised", "reserved", "packed", "dispatched", "captured"), "dispatched", frozenset()),
}


@pytest.mark.parametrize("events", [events for events, *_ in SCENARIOS.values()], ids=list(SCENARIOS))
async def test_a_life_that_is_told_again_once_it_is_over_changes_nothing(
    harness: Harness, shop: Any, events: Sequence[str]
):
    life = Life(await shop.placed())
    await assert_repeatable(harness, *(getattr(life, name) for name in events))


def test_whatever_may_run_in_a_replay_is_proved_repeatable_above():
    life = Life("o-1")
    proved = {type(getattr(life, name)) for events, *_ in SCENARIOS.values() for name in events}
    assert {one.event for one in service.handlers if one.on_replay == "run"} == proved
    assert len(proved) == len(service.handlers)


async def test_an_order_goes_through_its_statuses_and_completes(harness: Harness, shop: Any):
    order_id = await shop.placed()
    life = Life(order_id)
    seen = []
    for event in (life.authorised, life.backordered, life.reserved, life.packed, life.dispatched, life.captured):
        await harness.deliver(event)
        seen.append((await shop.page(order_id))["status"])
    assert seen == ["authorised", "backordered", "reserved", "packed", "dispatched", "dispatched"]
    assert harness.events(OrderCompleted) == []
    await harness.deliver(life.invoiced)
    await harness.deliver(life.delivered)
    page = await shop.page(order_id)
    assert (page["status"], page["cause"]) == ("completed", None)
    [completed] = harness.events(OrderCompleted)
    assert (completed.total_cents, completed.currency, completed.customer_id) == (page["total_cents"], "USD", "VINET")


async def test_the_order_completes_in_its_own_flow_and_names_both_halves(harness: Harness, shop: Any):
    order_id = await shop.placed()
    life = Life(order_id)
    await harness.deliver(life.invoiced, event_id="the-invoice")
    await harness.deliver(life.delivered, event_id="the-delivery")
    [completed] = [one for one in harness.published if isinstance(one.event, OrderCompleted)]
    page = await shop.page(order_id)
    assert completed.envelope.correlation_id == page["flow"]
    assert completed.envelope.causation_id == "the-delivery"
    assert "the-invoice" in completed.envelope.causes
    assert page["history"][-1]["event_id"] == completed.envelope.id


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("rejected", "stock_rejected"),
        ("declined", "payment_declined"),
        ("stopped", "customer"),
        ("returned", "returned"),
    ],
)
async def test_what_cancels_an_order_is_named_in_its_event(harness: Harness, shop: Any, name: str, cause: str):
    order_id = await shop.placed()
    event: Event = getattr(Life(order_id), name)
    await harness.deliver(event)
    [cancelled] = [one for one in harness.published if isinstance(one.event, OrderCancelled)]
    assert isinstance(cancelled.event, OrderCancelled)
    page = await shop.page(order_id)
    assert (cancelled.event.cause, cancelled.event.reason) == (cause, event.reason)  # type: ignore[attr-defined]
    assert (page["status"], page["cause"], page["reason"]) == ("cancelled", cause, cancelled.event.reason)
    assert page["ended_at"] is not None
    assert [entry["event"] for entry in page["history"]] == ["OrderPlaced", type(event).__name__, "OrderCancelled"]
    assert page["history"][-1]["event_id"] == cancelled.envelope.id


async def test_a_late_event_is_noted_and_takes_nothing_back(harness: Harness, shop: Any):
    order_id = await shop.placed()
    life = Life(order_id)
    await harness.deliver(life.dispatched)
    await harness.deliver(life.reserved)
    page = await shop.page(order_id)
    assert page["status"] == "dispatched"
    assert [entry["event"] for entry in page["history"]][-1] == "StockReserved"


async def test_the_first_cause_wins(harness: Harness, shop: Any):
    order_id = await shop.placed()
    life = Life(order_id)
    await harness.deliver(life.declined)
    await harness.deliver(life.rejected)
    assert [event.cause for event in harness.events(OrderCancelled)] == ["payment_declined"]
    assert (await shop.page(order_id))["reason"] == "no money"


async def test_a_return_after_completion_is_only_noted(harness: Harness, shop: Any):
    order_id = await shop.placed()
    life = Life(order_id)
    await harness.deliver(life.delivered, life.invoiced)
    await harness.deliver(life.returned)
    assert (await shop.page(order_id))["status"] == "completed"
    assert (len(harness.events(OrderCompleted)), len(harness.events(OrderCancelled))) == (1, 0)


async def test_the_history_tells_causes_and_times(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await harness.deliver(Life(order_id).dispatched, event_id="e-1")
    entry = (await shop.page(order_id))["history"][-1]
    assert (entry["event_id"], entry["event"], entry["status"]) == ("e-1", "ShipmentDispatched", "dispatched")
    assert entry["occurred_at"] == entry["recorded_at"] == "2026-01-01T00:00:00.000Z"
    assert "t-1" in entry["note"]


async def test_an_event_that_the_inbox_has_forgotten_neither_ends_an_order_again_nor_is_noted_twice(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    async with Harness(service, database_url=url) as harness:
        order_id = await _placed(harness)
        await harness.deliver(Life(order_id).declined, event_id="the-decline")
        assert len(harness.events(OrderCancelled)) == 1
        assert harness.store is not None
        assert await harness.store.prune(harness.clock.now() + timedelta(days=1)) == 1
    async with Harness(service, database_url=url) as harness:
        await harness.deliver(Life(order_id).declined, event_id="the-decline")
        page = (await harness.http.get(f"/orders/{order_id}")).json()
        assert [entry["event"] for entry in page["history"]] == ["OrderPlaced", "PaymentDeclined", "OrderCancelled"]
        assert harness.published == []
        assert harness.retries == []


async def test_an_event_of_an_order_that_is_not_there_waits_for_it(harness: Harness):
    await harness.deliver(Life("00000000-0000-0000-0000-000000000000").reserved)
    assert len(harness.retries) == 1
    assert harness.dead_letters == []


@pytest.mark.parametrize("scenario", SCENARIOS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
async def test_in_any_order_and_doubled_a_scenario_ends_the_same_and_once(data: st.DataObject, scenario: str):
    names, status, causes = SCENARIOS[scenario]
    heard = data.draw(st.permutations(names))
    again = data.draw(st.lists(st.sampled_from(names), max_size=4))
    at_once = data.draw(st.booleans())
    async with Harness(service) as harness:
        order_id = await _placed(harness)
        life = Life(order_id)
        ids = {name: f"{name}-{order_id}" for name in names}
        await _deliver(harness, [(getattr(life, name), ids[name]) for name in (*heard, *again)], at_once=at_once)
        page = (await harness.http.get(f"/orders/{order_id}")).json()
        ended = [type(one.event) for one in harness.published if isinstance(one.event, OrderCompleted | OrderCancelled)]
        assert page["status"] == status
        assert ended == {"completed": [OrderCompleted], "cancelled": [OrderCancelled]}.get(status, [])
        assert page["cause"] in (causes or {None})
        assert len(page["history"]) == 1 + len(names) + len(ended), "one row an event"
        assert harness.dead_letters == []
        assert harness.retries == []


async def _placed(harness: Harness) -> str:
    body = {
        "reference": "1",
        "customer_id": "VINET",
        "lines": [{"product_id": "11", "product_name": "x", "quantity": 1, "unit_price_cents": 100}],
        "ship_to": {"name": "n", "street": "s", "city": "c", "country": "France"},
        "carrier": "3",
        "payment_token": "tok",
    }
    answer = await harness.http.post("/orders", json=body, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["order_id"])


async def _deliver(harness: Harness, events: Sequence[tuple[Event, str]], *, at_once: bool) -> None:
    if not at_once:
        for event, event_id in events:
            await harness.deliver(event, event_id=event_id)
        return
    for event, event_id in events:
        harness._append(event, event_id, None, "test")
    await harness.settle()


NEWS = st.builds(
    News,
    reaches=st.none() | st.sampled_from([one for one in Status if not one.is_terminal]),
    cancels=st.none() | st.sampled_from(Cause),
    refuses=st.booleans(),
)


@settings(max_examples=300)
@given(st.lists(NEWS, max_size=12))
def test_no_news_takes_an_order_back_or_ends_it_twice(heard: list[News]):
    standing = Standing()
    for news in heard:
        after = advance(standing, news)
        assert after.status.rank >= standing.status.rank
        if standing.status.is_terminal:
            assert (after.status, after.cause) == (standing.status, standing.cause)
        assert (after.cause is not None) == (after.status is Status.CANCELLED)
        assert (after.status is Status.COMPLETED) <= (after.delivered and after.invoiced)
        standing = after


@settings(max_examples=300)
@given(
    st.lists(NEWS.filter(lambda news: news.cancels is None), max_size=8).flatmap(
        lambda news: st.tuples(
            st.just(news), st.permutations(news), st.lists(st.sampled_from(news or [News()]), max_size=5)
        )
    )
)
def test_without_a_cause_to_cancel_the_order_of_news_does_not_matter(
    told: tuple[list[News], list[News], list[News]],
):
    straight, shuffled, doubled = told
    assert _after(straight) == _after([*shuffled, *doubled])


def _after(heard: Sequence[News]) -> Standing:
    standing = Standing()
    for news in heard:
        standing = advance(standing, news)
    return standing

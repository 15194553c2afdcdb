"""Payments in the ordinary course of an order, and when its events come twice, late, early or to a failing gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from farandole.testing import Harness
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.payments import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from farandole_events.shipments import ShipmentDispatched
from farandole_events.types import Address, OrderLine
from farandole_payments.gateway import PaymentGateway
from farandole_payments.service import service
from farandole_payments.testing import FakeGateway
from farandole_payments.testing.fake_gateway import LOST_ANSWER, OUTAGE
from structlog.testing import capture_logs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = timedelta(minutes=30)


def order_placed(order_id: str = "order-1", *, token: str = "tok_good") -> OrderPlaced:
    line = OrderLine(
        product_id="11", product_name="Queso Cabrales", quantity=2, unit_price_cents=1400, total_cents=2800
    )
    return OrderPlaced(
        order_id=order_id,
        customer_id="VINET",
        reference="10248",
        order_date=NOW,
        lines=(line,),
        freight_cents=200,
        total_cents=3000,
        currency="USD",
        ship_to=Address(name="Vins et alcools", street="59 rue de l'Abbaye", city="Reims", country="France"),
        carrier="Federal Shipping",
        payment_token=token,
    )


def dispatched(order_id: str = "order-1") -> ShipmentDispatched:
    return ShipmentDispatched(
        order_id=order_id,
        shipment_id="s",
        tracking_number="t",
        carrier="c",
        customer_id="VINET",
        dispatched_at=NOW,
    )


def cancelled(order_id: str = "order-1") -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="VINET", reason="changed my mind", cause="customer")


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
async def harness(gateway: FakeGateway) -> AsyncIterator[Harness]:
    async with Harness(service, provide={PaymentGateway: gateway}) as running:
        yield running


async def test_a_placed_order_is_held_on_the_card(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    (authorised,) = harness.events(PaymentAuthorised)
    assert (authorised.order_id, authorised.amount_cents, authorised.currency) == ("order-1", 3000, "USD")
    assert gateway.open_holds == [authorised.hold_id]
    at_the_gateway = gateway.holds[authorised.hold_id].expires_at
    assert abs(authorised.expires_at - at_the_gateway) < timedelta(milliseconds=1)


async def test_the_key_of_the_hold_is_the_events_id(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed(), event_id="the-event")
    assert list(gateway._answers) == [("hold", "the-event")]


async def test_the_other_keys_come_from_the_hold_and_from_the_capture(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    await harness.deliver(dispatched())
    await harness.deliver(cancelled())
    await harness.deliver(order_placed("order-2"))
    await harness.deliver(cancelled("order-2"))
    assert [answer for answer in gateway._answers if answer[0] != "hold"] == [
        ("capture", "capture-hold_1"),
        ("refund", "refund-cap_1"),
        ("void", "void-hold_2"),
    ]


@pytest.mark.parametrize(("lifetime", "warnings"), [(timedelta(hours=23), 1), (timedelta(hours=25), 0)])
async def test_a_hold_shorter_than_a_backorder_is_told_of(
    harness: Harness, gateway: FakeGateway, lifetime: timedelta, warnings: int
) -> None:
    gateway.now, gateway.lifetime = harness.clock.now, lifetime
    with capture_logs() as logs:
        await harness.deliver(order_placed())
    told = [line for line in logs if line["event"] == "the hold may lapse before the goods leave"]
    assert len(told) == warnings


async def test_a_declined_card_becomes_an_event(harness: Harness) -> None:
    await harness.deliver(order_placed(token="tok_declined"))
    assert harness.events(PaymentDeclined) == [PaymentDeclined(order_id="order-1", reason="insufficient_funds")]
    assert harness.retries == []


async def test_a_dispatched_order_is_taken_with_its_bill(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    await harness.deliver(dispatched())
    (captured,) = harness.events(PaymentCaptured)
    assert captured.capture_id in gateway.captures
    assert captured.amount_cents == 3000
    assert captured.bill.lines == order_placed().lines
    assert captured.bill.address == order_placed().ship_to
    assert (captured.bill.freight_cents, captured.bill.total_cents) == (200, 3000)


async def test_a_capture_that_fails_becomes_an_event_with_the_bill(harness: Harness) -> None:
    await harness.deliver(order_placed(token="tok_capture_fails"))
    await harness.deliver(dispatched())
    (failed,) = harness.events(PaymentCaptureFailed)
    assert failed.reason == "the issuer took the authorisation back"
    assert failed.bill.total_cents == 3000


async def test_a_hold_that_lapsed_is_a_failed_capture(harness: Harness, gateway: FakeGateway) -> None:
    gateway.lifetime = timedelta(0)
    await harness.deliver(order_placed())
    await harness.deliver(dispatched())
    assert [failed.reason for failed in harness.events(PaymentCaptureFailed)] == ["the hold ran out"]


async def test_a_cancelled_hold_is_lifted(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    await harness.deliver(cancelled())
    (authorised,) = harness.events(PaymentAuthorised)
    assert harness.events(PaymentVoided) == [PaymentVoided(order_id="order-1", hold_id=authorised.hold_id)]
    assert gateway.open_holds == []


async def test_a_cancelled_capture_is_paid_back(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    await harness.deliver(dispatched())
    await harness.deliver(cancelled())
    (refunded,) = harness.events(PaymentRefunded)
    assert (refunded.amount_cents, refunded.currency) == (3000, "USD")
    assert gateway.kept_captures == []


@pytest.mark.parametrize("token", ["tok_declined", "tok_capture_fails"])
async def test_where_no_money_was_taken_none_goes_back(harness: Harness, gateway: FakeGateway, token: str) -> None:
    await harness.deliver(order_placed(token=token))
    if token != "tok_declined":
        await harness.deliver(dispatched())
    await harness.deliver(cancelled())
    assert harness.events(PaymentVoided) == []
    assert harness.events(PaymentRefunded) == []
    assert "void" not in gateway.calls


async def test_an_order_that_was_cancelled_before_it_came_is_never_held(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(cancelled())
    await harness.deliver(order_placed())
    assert gateway.calls == []
    assert harness.published == []


async def test_a_dispatch_after_the_cancellation_takes_nothing(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    await harness.deliver(cancelled())
    await harness.deliver(dispatched())
    assert gateway.captures == {}
    assert harness.events(PaymentCaptured) == []


async def test_a_dispatch_that_overtakes_the_order_waits_for_the_hold(harness: Harness) -> None:
    await harness.deliver(dispatched())
    assert harness.events(PaymentCaptured) == []
    await harness.deliver(order_placed())
    await harness.advance(LATER)
    assert len(harness.events(PaymentCaptured)) == 1
    assert harness.dead_letters == []


async def test_goods_that_left_on_a_declined_card_are_a_dead_letter(harness: Harness) -> None:
    await harness.deliver(order_placed(token="tok_declined"))
    await harness.deliver(dispatched())
    assert len(harness.dead_letters) == 1


async def test_duplicates_ask_and_tell_nothing_twice(harness: Harness, gateway: FakeGateway) -> None:
    for event in (order_placed(), dispatched(), cancelled()):
        for _ in range(3):
            await harness.deliver(event, event_id=type(event).__name__)
    assert gateway.calls == ["hold", "capture", "refund"]
    assert [type(one.event).__name__ for one in harness.published] == [
        "PaymentAuthorised",
        "PaymentCaptured",
        "PaymentRefunded",
    ]


async def test_a_second_event_of_the_same_fact_tells_it_under_the_same_id(
    harness: Harness, gateway: FakeGateway
) -> None:
    for event in (order_placed(), dispatched(), cancelled()):
        await harness.deliver(event)
        await harness.deliver(event)
    assert gateway.calls == ["hold", "capture", "refund"]
    ids = [(one.envelope.type, one.envelope.id) for one in harness.published]
    assert len({kind for kind, _ in ids}) == len(set(ids)) == 3


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_a_gateway_that_recovers_was_asked_with_the_same_keys(
    harness: Harness, gateway: FakeGateway, fault: str
) -> None:
    for event in (order_placed(), dispatched(), cancelled()):
        gateway.faults.extend([fault] * 3)
        await harness.deliver(event)
        await harness.advance(LATER)
    assert harness.dead_letters == []
    assert (len(gateway.holds), len(gateway.captures)) == (1, 1)
    assert gateway.kept_captures == []
    assert [len(harness.events(kind)) for kind in (PaymentAuthorised, PaymentCaptured, PaymentRefunded)] == [1, 1, 1]


async def test_a_gateway_that_stays_away_is_waited_for(harness: Harness, gateway: FakeGateway) -> None:
    gateway.faults.extend([OUTAGE] * 60)
    await harness.deliver(order_placed())
    await harness.advance(timedelta(minutes=1))
    assert len(gateway.faults) > 0
    assert gateway.holds == {}
    await harness.advance(timedelta(minutes=5))
    assert len(harness.events(PaymentAuthorised)) == 1
    assert (harness.retries, harness.dead_letters) == ([], [])


async def test_an_order_cancelled_while_its_hold_is_retried_ends_voided(harness: Harness, gateway: FakeGateway) -> None:
    """The first run made a hold and died of something else; when the order is cancelled nobody knows of it."""

    async def fail_once(_: str) -> None:
        gateway.after = None
        raise RuntimeError("the answer was there, and was dropped")

    gateway.after = fail_once
    await harness.deliver(order_placed())
    await harness.deliver(cancelled())
    assert len(gateway.open_holds) == 1
    await harness.advance(LATER)
    assert gateway.open_holds == []
    assert len(harness.events(PaymentVoided)) == 1
    assert harness.events(PaymentAuthorised) == []


async def test_an_order_cancelled_while_its_capture_is_retried_ends_refunded(
    harness: Harness, gateway: FakeGateway
) -> None:
    await harness.deliver(order_placed())
    gateway.faults.append(LOST_ANSWER)
    await harness.deliver(dispatched())
    await harness.deliver(cancelled())
    assert len(gateway.kept_captures) == 1
    await harness.advance(LATER)
    assert gateway.kept_captures == []
    assert [len(harness.events(kind)) for kind in (PaymentCaptured, PaymentRefunded)] == [1, 1]


async def test_a_hold_that_was_captured_by_hand_is_refunded(harness: Harness, gateway: FakeGateway) -> None:
    await harness.deliver(order_placed())
    (hold_id,) = gateway.holds
    capture_id = await gateway.capture(hold_id, gateway.holds[hold_id].amount, idempotency_key="by hand")
    await harness.deliver(cancelled())
    assert [refunded.capture_id for refunded in harness.events(PaymentRefunded)] == [capture_id]
    assert harness.events(PaymentVoided) == []

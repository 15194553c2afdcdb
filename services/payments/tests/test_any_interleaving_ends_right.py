"""An order is never captured twice, and a cancelled order keeps nothing of the customer's money.

Hypothesis draws the order of the events, their duplicates and the gateway's moods.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from farandole import Event
from farandole.testing import Harness
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.payments import PaymentCaptured, PaymentRefunded, PaymentVoided
from farandole_events.shipments import ShipmentDispatched
from farandole_events.types import Address
from farandole_payments.gateway import PaymentGateway
from farandole_payments.service import service
from farandole_payments.testing import FakeGateway
from farandole_payments.testing.fake_gateway import LOST_ANSWER, OUTAGE
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKENS = {"order-1": "tok_good", "order-2": "tok_capture_fails", "order-3": "tok_declined"}
ADDRESS = Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country="France")


def event_of(kind: str, order_id: str) -> Event:
    if kind == "placed":
        return OrderPlaced(
            order_id=order_id,
            customer_id="VINET",
            reference=order_id,
            order_date=NOW,
            lines=(),
            total_cents=3000,
            currency="USD",
            ship_to=ADDRESS,
            carrier="Federal Shipping",
            payment_token=TOKENS[order_id],
        )
    if kind == "dispatched":
        return ShipmentDispatched(
            order_id=order_id, shipment_id="s", tracking_number="t", carrier="c", customer_id="VINET", dispatched_at=NOW
        )
    return OrderCancelled(order_id=order_id, customer_id="VINET", reason="no", cause="customer")


happenings = st.tuples(
    st.sampled_from(["placed", "dispatched", "cancelled"]),
    st.sampled_from(sorted(TOKENS)),
    st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(minutes=10)]),
)
# Fewer faults than a delivery has attempts: a dead letter is another test's matter.
moods = st.lists(st.sampled_from(["fine", "fine", OUTAGE, LOST_ANSWER]), max_size=5)


@settings(max_examples=40, deadline=None)
@given(history=st.lists(happenings, max_size=14), faults=moods)
def test_no_interleaving_takes_twice_or_keeps_a_cancelled_orders_money(
    history: Sequence[tuple[str, str, timedelta]], faults: Sequence[str]
) -> None:
    asyncio.run(_live_through(history, faults))


async def _live_through(history: Sequence[tuple[str, str, timedelta]], faults: Sequence[str]) -> None:
    gateway = FakeGateway()
    gateway.faults.extend(faults)
    async with Harness(service, provide={PaymentGateway: gateway}) as harness:
        for kind, order_id, pause in history:
            await harness.deliver(event_of(kind, order_id), event_id=f"{kind}-{order_id}")
            await harness.advance(pause)
        # What never came in the history comes late, so that every order is heard of and no retry ends in a dead letter.
        for order_id in sorted(TOKENS):
            await harness.deliver(event_of("placed", order_id), event_id=f"placed-{order_id}")
        await harness.advance(timedelta(hours=2))
        cancelled = {order_id for kind, order_id, _ in history if kind == "cancelled"}
        _no_money_is_kept(gateway, cancelled)
        _the_events_tell_what_the_gateway_did(harness, gateway)


def _no_money_is_kept(gateway: FakeGateway, cancelled: set[str]) -> None:
    held = Counter(hold.order_id for hold in gateway.holds.values())
    assert max(held.values(), default=0) <= 1
    of_capture = {capture_id: gateway.holds[one.hold_id].order_id for capture_id, one in gateway.captures.items()}
    assert max(Counter(of_capture.values()).values(), default=0) <= 1
    kept = {of_capture[capture_id] for capture_id in gateway.kept_captures}
    assert kept & cancelled == set()
    # A hold whose capture failed is the issuer's to lift: it took the authorisation back.
    reserved = {gateway.holds[one].order_id for one in gateway.open_holds} - {"order-2"}
    assert reserved & cancelled == set()


def _the_events_tell_what_the_gateway_did(harness: Harness, gateway: FakeGateway) -> None:
    told = {one.envelope.id: one.event for one in harness.published}.values()
    captured = Counter(event.capture_id for event in told if isinstance(event, PaymentCaptured))
    refunded = Counter(event.capture_id for event in told if isinstance(event, PaymentRefunded))
    voided = Counter(event.hold_id for event in told if isinstance(event, PaymentVoided))
    assert captured == Counter(gateway.captures.keys())
    assert refunded == Counter(one for one, capture in gateway.captures.items() if capture.refund_id)
    assert voided == Counter(one for one, hold in gateway.holds.items() if hold.voided)

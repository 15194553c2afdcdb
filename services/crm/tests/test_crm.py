"""The CRM service tells a customer each thing about an order once, however often its event arrives or the CRM fails."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from farandole.testing import Harness
from farandole_crm.messenger import Messenger, Notification, Sent, Template
from farandole_crm.service import service
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


class FakeMessenger:
    """A CRM in memory: honours the key, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: dict[str, Notification] = {}

    async def send(self, notification: Notification, *, idempotency_key: str) -> Sent:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the CRM does not answer")
        self.sent.setdefault(idempotency_key, notification)
        return Sent(notification_id=f"n:{idempotency_key}", sent_at=NOON)


async def test_a_customer_is_told_of_every_turn_of_an_order():
    crm = FakeMessenger()
    async with Harness(service, provide={Messenger: crm}) as harness:
        await harness.deliver(BACKORDERED, DISPATCHED, COMPLETED, CANCELLED)
        told = Counter(one.template for one in harness.events(CustomerNotified))
        assert told == {
            Template.BACKORDERED: 1,
            Template.DISPATCHED: 1,
            Template.COMPLETED: 1,
            Template.CANCELLED: 1,
        }
        assert crm.sent["notification:o-1:order-dispatched"].parameters["tracking_number"] == "T1"
        assert crm.sent["notification:o-2:order-cancelled"].parameters["reason"] == "insufficient funds"


async def test_the_same_thing_is_told_once_also_under_another_event_id():
    crm = FakeMessenger()
    async with Harness(service, provide={Messenger: crm}) as harness:
        await harness.deliver(COMPLETED, COMPLETED)
        assert len(crm.sent) == 1


async def test_a_crm_that_fails_is_asked_again_with_the_same_key():
    crm = FakeMessenger(failures=3)
    async with Harness(service, provide={Messenger: crm}) as harness:
        await harness.deliver(DISPATCHED)
        assert harness.events(CustomerNotified) == []
        await harness.advance(timedelta(minutes=5))
        assert len(harness.events(CustomerNotified)) == 1
        assert list(crm.sent) == ["notification:o-1:order-dispatched"]

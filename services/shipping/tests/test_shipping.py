"""Shipping hands packed orders to carriers, and turns the carriers' webhooks into events.

A carrier's webhook may come twice, come before our own row is committed, be forged, or contradict an earlier one. Each
shipment is handed over once, and ends once: delivered or returned.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from farandole.testing import Harness
from farandole.webhooks import sign
from farandole_events import (
    Address,
    OrderPacked,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
    StockLine,
)
from farandole_shipping.carrier import Carriers, Consignment
from farandole_shipping.service import service
from farandole_shipping.settings import ShippingSettings

SECRET = "a-secret-of-enough-bytes-for-a-test"
SETTINGS = ShippingSettings.model_validate({"FARANDOLE_WEBHOOK_SECRET": SECRET})
PACKED = OrderPacked(
    order_id="o-1",
    package_id="p-1",
    parcels=2,
    weight_grams=1200,
    lines=(StockLine(product_id="11", quantity=12),),
    ship_to=Address(name="Toms Spezialitäten", street="Luisenstr. 48", city="Münster", country="Germany"),
    carrier="Speedy Express",
    customer_id="TOMSP",
)


class FakeCarriers:
    """Carriers in memory: they honour the key, and fail as often as they are told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: dict[str, Consignment] = {}

    async def hand_over(self, packed: OrderPacked, *, idempotency_key: str) -> Consignment:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the carrier does not answer")
        number = len(self.taken) + 1
        fresh = Consignment(
            shipment_id=f"s-{number}",
            tracking_number=f"T{number}",
            dispatched_at=datetime(2026, 1, 2, tzinfo=UTC),
        )
        return self.taken.setdefault(idempotency_key, fresh)


def harness(carriers: FakeCarriers | None = None) -> Harness:
    return Harness(service, provide={Carriers: carriers or FakeCarriers(), ShippingSettings: SETTINGS})


async def tell(running: Harness, sender_id: str = "m-1", secret: str = SECRET, **changes: str):
    """Send a carrier's webhook."""
    body = {
        "id": sender_id,
        "order_id": "o-1",
        "shipment_id": "s-1",
        "tracking_number": "T1",
        "carrier": "Speedy Express",
        "type": "delivered",
        "at": "2026-01-03T12:00:00.000Z",
    } | changes
    content = msgspec.json.encode(body)
    headers = sign(content, secret=secret.encode(), id=sender_id, at=running.clock.now())
    answer = await running.http.post("/webhooks/carrier", content=content, headers=headers)
    await running.settle()
    return answer


async def test_a_packed_order_is_handed_over_and_told_of():
    async with harness() as running:
        await running.deliver(PACKED)
        (dispatched,) = running.events(ShipmentDispatched)
        assert (dispatched.order_id, dispatched.shipment_id, dispatched.carrier) == ("o-1", "s-1", "Speedy Express")


async def test_an_order_that_is_packed_twice_is_handed_over_once():
    carriers = FakeCarriers()
    async with harness(carriers) as running:
        await running.deliver(PACKED)
        await running.deliver(PACKED)
        assert len(carriers.taken) == 1


async def test_a_carrier_that_fails_is_asked_again():
    async with harness(FakeCarriers(failures=2)) as running:
        await running.deliver(PACKED)
        await running.advance(timedelta(minutes=2))
        assert len(running.events(ShipmentDispatched)) == 1


async def test_a_delivery_becomes_an_event_in_the_flow_of_its_order():
    async with harness() as running:
        await running.deliver(PACKED, flow="flow-1")
        answer = await tell(running)
        assert answer.status_code == 202
        (delivered,) = [one for one in running.published if isinstance(one.event, ShipmentDelivered)]
        assert delivered.envelope.correlation_id == "flow-1"
        assert delivered.event.delivered_at == datetime(2026, 1, 3, 12, tzinfo=UTC)


async def test_a_return_becomes_an_event_with_its_reason():
    async with harness() as running:
        await running.deliver(PACKED)
        await tell(running, type="returned", reason="nobody there")
        (returned,) = running.events(ShipmentReturned)
        assert returned.reason == "nobody there"


async def test_a_webhook_that_comes_again_is_answered_and_changes_nothing():
    async with harness() as running:
        await running.deliver(PACKED)
        answers = [(await tell(running)).status_code for _ in range(3)]
        assert answers == [202, 200, 200]
        assert len(running.events(ShipmentDelivered)) == 1


async def test_a_shipment_ends_once_whatever_the_carrier_says_later():
    async with harness() as running:
        await running.deliver(PACKED)
        await tell(running, "m-1")
        await tell(running, "m-2", type="returned")
        assert len(running.events(ShipmentDelivered)) == 1
        assert running.events(ShipmentReturned) == []


async def test_a_webhook_that_is_faster_than_our_own_row_is_to_be_sent_again():
    async with harness() as running:
        assert (await tell(running)).status_code == 404
        await running.deliver(PACKED)
        assert (await tell(running)).status_code == 202


@pytest.mark.parametrize("changes", [{"order_id": "o-2"}, {"shipment_id": "s-9"}])
async def test_a_webhook_about_somebody_elses_shipment_is_not_taken(changes):
    async with harness() as running:
        await running.deliver(PACKED)
        assert (await tell(running, **changes)).status_code == 404
        assert running.events(ShipmentDelivered) == []


async def test_a_webhook_with_another_signature_is_not_believed():
    async with harness() as running:
        await running.deliver(PACKED)
        answer = await tell(running, secret="some-other-secret-of-enough-bytes")
        assert answer.status_code == 401
        assert running.events(ShipmentDelivered) == []


async def test_a_webhook_of_an_unknown_kind_is_refused_with_the_field():
    async with harness() as running:
        await running.deliver(PACKED)
        answer = await tell(running, type="eaten")
        assert answer.status_code == 400
        assert "type" in answer.json()["reason"]


async def test_the_shipments_can_be_listed_for_an_audit():
    async with harness() as running:
        await running.deliver(PACKED)
        await tell(running)
        listed = (await running.http.get("/shipments")).json()
        assert [(one["order_id"], one["end"]) for one in listed["shipments"]] == [("o-1", "delivered")]

"""A shop places an order: it is stored with its event before the shop hears 202, and its sums are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from farandole.testing import Harness
from farandole_events import OrderPlaced

_LONG = timedelta(minutes=1)


async def test_an_order_is_accepted_with_its_id_and_its_links(shop: Any):
    answer = await shop.order()
    assert answer.status_code == 202
    order_id = answer.json()["order_id"]
    assert answer.json() == {
        "order_id": order_id,
        "status": "placed",
        "links": {"self": f"/orders/{order_id}", "cancellation": f"/orders/{order_id}/cancellation"},
    }
    assert answer.headers["location"] == f"/orders/{order_id}"


async def test_an_accepted_order_becomes_one_event_with_exact_totals(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await harness.settle()
    [placed] = harness.published
    event = placed.event
    assert isinstance(event, OrderPlaced)
    assert (event.order_id, event.reference, event.customer_id) == (order_id, "10248", "VINET")
    assert event.order_date == datetime(1996, 7, 4, tzinfo=UTC)
    assert [line.total_cents for line in event.lines] == [16800, 8330]
    assert event.total_cents == 16800 + 8330 + 3238
    assert placed.envelope.correlation_id == placed.envelope.id, "an order begins a flow"
    assert placed.envelope.subject == order_id


async def test_an_order_is_stored_although_the_broker_is_away_and_its_event_follows(harness: Harness, shop: Any):
    harness.broker.unavailable = True
    order_id = await shop.placed()
    assert (await shop.page(order_id))["status"] == "placed"
    assert harness.published == []
    harness.broker.unavailable = False
    assert await shop.placed()
    await harness.advance(_LONG)
    assert harness.events(OrderPlaced)[0].order_id == order_id
    assert len(harness.events(OrderPlaced)) == 2


async def test_an_order_without_a_date_is_dated_now(harness: Harness, shop: Any, body: dict[str, Any]):
    del body["order_date"]
    await shop.order(body)
    await harness.settle()
    assert harness.events(OrderPlaced)[0].order_date == harness.clock.now()


async def test_a_date_without_a_zone_is_taken_as_utc(harness: Harness, shop: Any, body: dict[str, Any]):
    body["order_date"] = "1996-07-04 12:00:00.000"
    await shop.order(body)
    await harness.settle()
    assert harness.events(OrderPlaced)[0].order_date == datetime(1996, 7, 4, 12, tzinfo=UTC)


async def test_the_payment_token_is_in_the_event_and_nowhere_on_the_pages(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await harness.settle()
    assert harness.events(OrderPlaced)[0].payment_token == "tok_ok"
    assert "tok_ok" not in str(await shop.page(order_id))


async def test_two_orders_of_the_same_content_are_two_orders(harness: Harness, shop: Any):
    first, second = await shop.placed(), await shop.placed()
    await harness.settle()
    assert first != second
    assert {event.order_id for event in harness.events(OrderPlaced)} == {first, second}

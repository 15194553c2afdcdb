"""A customer wants to cancel: the warehouse is asked once, and what it says is what counts."""

from __future__ import annotations

from typing import Any

from farandole.testing import Harness
from farandole_events import (
    CancellationRefused,
    CancellationRequested,
    FulfilmentCancelled,
    OrderCancelled,
    PaymentDeclined,
)
from farandole_orders.answers import CancellationAccepted

NOBODY = "00000000-0000-0000-0000-000000000000"


async def test_a_cancellation_is_requested_in_the_flow_of_its_order(harness: Harness, shop: Any):
    order_id = await shop.placed()
    answer = await shop.cancel(order_id, json={"reason": "ordered twice"})
    await harness.settle()
    assert answer.status_code == 202
    CancellationAccepted.model_validate(answer.json())
    assert harness.events(CancellationRequested) == [CancellationRequested(order_id=order_id, reason="ordered twice")]
    page = await shop.page(order_id)
    assert (page["status"], page["cancellation"]) == ("placed", "requested")
    [asked] = [one for one in harness.published if isinstance(one.event, CancellationRequested)]
    assert asked.envelope.correlation_id == page["flow"]
    assert [entry["event"] for entry in page["history"]] == ["OrderPlaced", "CancellationRequested"]
    assert page["history"][1]["event_id"] == asked.envelope.id


async def test_a_cancellation_needs_no_reason(harness: Harness, shop: Any):
    order_id = await shop.placed()
    assert (await shop.cancel(order_id)).status_code == 202
    await harness.settle()
    assert harness.events(CancellationRequested)[0].reason


async def test_the_same_key_gets_the_same_answer_also_after_the_order_has_ended(harness: Harness, shop: Any):
    order_id = await shop.placed()
    first = await shop.cancel(order_id, key="c")
    await harness.deliver(FulfilmentCancelled(order_id=order_id, reason="stopped"))
    again = await shop.cancel(order_id, key="c")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_same_key_with_another_reason_is_refused(shop: Any):
    order_id = await shop.placed()
    await shop.cancel(order_id, key="c", json={"reason": "one"})
    assert (await shop.cancel(order_id, key="c", json={"reason": "other"})).status_code == 422


async def test_a_key_that_placed_an_order_may_cancel_it_too(shop: Any):
    order_id = (await shop.order(key="same")).json()["order_id"]
    assert (await shop.cancel(order_id, key="same")).status_code == 202


async def test_asking_twice_asks_the_warehouse_once(harness: Harness, shop: Any):
    order_id = await shop.placed()
    assert (await shop.cancel(order_id)).status_code == 202
    await harness.settle()
    assert (await shop.cancel(order_id)).status_code == 202
    await harness.settle()
    assert len(harness.events(CancellationRequested)) == 1


async def test_an_order_that_is_not_there_cannot_be_cancelled(harness: Harness, shop: Any):
    assert [(await shop.cancel(name)).status_code for name in (NOBODY, "17")] == [404, 404]
    assert harness.events(CancellationRequested) == []


async def test_an_order_that_has_ended_cannot_be_cancelled(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await harness.deliver(PaymentDeclined(order_id=order_id, reason="no money"))
    answer = await shop.cancel(order_id)
    await harness.settle()
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:farandole:problem:order-ended")
    assert harness.events(CancellationRequested) == []


async def test_a_cancellation_needs_a_key_and_a_body_that_is_right(shop: Any):
    order_id = await shop.placed()
    without = await shop.http.post(f"/orders/{order_id}/cancellation")
    mistyped = await shop.cancel(order_id, json={"reasn": "?"})
    assert (without.status_code, mistyped.status_code) == (400, 422)


async def test_what_the_warehouse_stopped_is_cancelled_for_the_customer(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await shop.cancel(order_id)
    await harness.deliver(FulfilmentCancelled(order_id=order_id, reason="stopped before it was packed"))
    [cancelled] = harness.events(OrderCancelled)
    assert (cancelled.order_id, cancelled.customer_id, cancelled.cause) == (order_id, "VINET", "customer")
    assert cancelled.reason == "stopped before it was packed"


async def test_a_refused_cancellation_changes_nothing_but_is_told(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await shop.cancel(order_id)
    await harness.deliver(CancellationRefused(order_id=order_id, reason="already packed"))
    page = await shop.page(order_id)
    assert (page["status"], page["cancellation"]) == ("placed", "refused")
    assert page["history"][-1]["note"] == "already packed"
    again = await shop.cancel(order_id)
    assert (again.status_code, again.json()["type"]) == (409, "urn:farandole:problem:cancellation-refused")
    assert harness.events(OrderCancelled) == []

"""Carriers and suppliers call back: signed, at least once, until acknowledged, also after a restart."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

SHIPMENT = {"order_id": "order-1", "package_id": "pkg-1", "ship_to": {"name": "Alfreds Futterkiste"}, "parcels": 1}
PURCHASE = {"product_id": "p-1", "quantity": 40, "shortage_id": "shortage-1"}
SHIPMENTS = "/carriers/Speedy%20Express/shipments"


async def test_a_shipment_is_reported_delivered_under_its_numbers(running: Any, receiver: Any, eventually: Any) -> None:
    shipped = (await running.post(SHIPMENTS, SHIPMENT)).json()
    await eventually(lambda: bool(receiver.received))
    (webhook,) = receiver.received
    body = json.loads(webhook.body)
    assert webhook.path == "/webhooks/carrier"
    assert body["id"] == webhook.sender_id
    assert body["type"] == "delivered"
    assert body["order_id"] == "order-1"
    assert (body["shipment_id"], body["tracking_number"]) == (shipped["shipment_id"], shipped["tracking_number"])
    assert body["at"].endswith("Z")


async def test_goods_arrive_for_a_purchase_order(running: Any, receiver: Any, eventually: Any) -> None:
    ordered = (await running.post("/suppliers/s-1/purchase-orders", PURCHASE)).json()
    await eventually(lambda: bool(receiver.received))
    (webhook,) = receiver.received
    body = json.loads(webhook.body)
    assert webhook.path == "/webhooks/goods"
    assert body["purchase_order_id"] == ordered["purchase_order_id"]
    assert (body["supplier_id"], body["product_id"], body["quantity"]) == ("s-1", "p-1", 40)
    assert body["at"] == ordered["expected_at"]


async def test_a_shipment_to_a_name_with_return_comes_back(running: Any, receiver: Any, eventually: Any) -> None:
    await running.post(SHIPMENTS, SHIPMENT | {"ship_to": {"name": "RETURN to sender"}})
    await eventually(lambda: bool(receiver.received))
    assert json.loads(receiver.received[0].body)["type"] == "returned"


async def test_the_returns_fault_brings_a_shipment_back(running: Any, receiver: Any, eventually: Any) -> None:
    await running.fault(system="carriers", kind="returns", count=1)
    await running.post(SHIPMENTS, SHIPMENT)
    await eventually(lambda: bool(receiver.received))
    assert json.loads(receiver.received[0].body)["type"] == "returned"


@pytest.mark.parametrize("status", [500, 401, 302])
async def test_a_webhook_is_sent_again_under_its_id_until_it_is_acknowledged(
    running: Any, receiver: Any, eventually: Any, status: int
) -> None:
    receiver.answers = [status, status]
    await running.post(SHIPMENTS, SHIPMENT)
    await eventually(lambda: len(receiver.received) == 3)
    assert len({(one.sender_id, one.body) for one in receiver.received}) == 1

    async def is_acknowledged() -> bool:
        (kept,) = (await running.get("/books/orders/order-1"))["webhooks"]
        return (kept["attempts"], kept["acknowledged"], kept["last_outcome"]) == (3, 1, "204")

    await eventually(is_acknowledged)


async def test_the_duplicate_fault_sends_one_webhook_twice(running: Any, receiver: Any, eventually: Any) -> None:
    await running.fault(system="carriers", kind="duplicate_webhooks", count=1)
    await running.post(SHIPMENTS, SHIPMENT)
    await eventually(lambda: len(receiver.received) == 2)
    assert receiver.received[0] == receiver.received[1]


async def test_a_replayed_call_owes_no_second_webhook(running: Any, receiver: Any, eventually: Any) -> None:
    await running.post(SHIPMENTS, SHIPMENT)
    await running.post(SHIPMENTS, SHIPMENT)
    await running.post("/suppliers/s-1/purchase-orders", PURCHASE)
    await eventually(lambda: len(receiver.received) == 2)
    assert sorted(one.path for one in receiver.received) == ["/webhooks/carrier", "/webhooks/goods"]


async def test_what_was_owed_before_a_restart_is_sent_after_it(start: Any, receiver: Any, eventually: Any) -> None:
    async with start(url_shipping="") as before:
        await before.post(SHIPMENTS, SHIPMENT)
        assert (await before.get("/books/summary"))["webhooks"]["pending"] == 1
    assert receiver.received == []
    async with start():
        await eventually(lambda: len(receiver.received) == 1)


async def test_a_webhook_waits_for_its_delay(start: Any, receiver: Any, eventually: Any) -> None:
    async with start(sandbox_delivery_delay=timedelta(hours=1)) as running:
        await running.post(SHIPMENTS, SHIPMENT)
        await running.post("/suppliers/s-1/purchase-orders", PURCHASE)
        await eventually(lambda: bool(receiver.received))
        assert [one.path for one in receiver.received] == ["/webhooks/goods"]


async def test_a_webhook_of_a_system_that_went_down_is_kept_and_sent_later(
    start: Any, receiver: Any, eventually: Any
) -> None:
    async with start(sandbox_delivery_delay=timedelta(milliseconds=200)) as running:
        await running.post(SHIPMENTS, SHIPMENT)
        fault_id = await running.fault(system="carriers", kind="outage")

        async def was_tried() -> bool:
            (kept,) = (await running.get("/books/orders/order-1"))["webhooks"]
            return bool(kept["last_outcome"] == "the sender is in an outage")

        await eventually(was_tried)
        assert receiver.received == []
        await running.client.delete(f"/faults/{fault_id}")
        await eventually(lambda: len(receiver.received) == 1)

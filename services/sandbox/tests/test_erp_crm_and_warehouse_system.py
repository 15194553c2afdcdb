"""The ERP keeps one sales order an order; the warehouse unpacks only what no carrier has."""

from __future__ import annotations

from typing import Any

PACKAGE = {
    "order_id": "order-1",
    "lines": [{"product_id": "p-1", "quantity": 41}],
    "ship_to": {"name": "Alfreds Futterkiste", "city": "Berlin"},
    "carrier": "Speedy Express",
}


async def test_stages_in_any_order_share_one_sales_order(running: Any) -> None:
    stages = ["invoiced", "placed", "completed"]
    answers = [
        await running.post("/erp/sales-orders", {"order_id": "order-1", "stage": stage}, key=stage) for stage in stages
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["sales_order_id"] for answer in answers}) == 1
    kept = await running.get("/books/orders/order-1")
    assert len(kept["sales_orders"]) == 1
    assert [posting["detail"]["stage"] for posting in kept["postings"]] == stages


async def test_a_stage_that_the_erp_does_not_know_is_refused(running: Any) -> None:
    response = await running.post("/erp/sales-orders", {"order_id": "order-1", "stage": "forgotten"})
    assert response.status_code == 400


async def test_a_notification_keeps_its_template_and_parameters(running: Any) -> None:
    body = {"customer_id": "ALFKI", "order_id": "order-1", "template": "order_placed", "parameters": {"total": 1000}}
    response = await running.post("/crm/notifications", body)
    assert response.status_code == 201
    shown = await running.get(f"/crm/notifications/{response.json()['notification_id']}")
    assert (shown["template"], shown["parameters"]) == ("order_placed", {"total": 1000})


async def test_a_package_weighs_the_same_in_every_run(running: Any) -> None:
    first = (await running.post("/wms/packages", PACKAGE, key="a")).json()
    second = (await running.post("/wms/packages", PACKAGE | {"order_id": "order-2"}, key="b")).json()
    assert first["parcels"] == 2
    assert first["weight_grams"] == second["weight_grams"] > 0
    assert first["package_id"] != second["package_id"]


async def test_a_package_is_unpacked_once(running: Any) -> None:
    package_id = (await running.post("/wms/packages", PACKAGE)).json()["package_id"]
    first = await running.post(f"/wms/packages/{package_id}/cancellation", key="a")
    second = await running.post(f"/wms/packages/{package_id}/cancellation", key="b")
    assert (first.status_code, first.json()) == (200, second.json())
    assert len((await running.get("/books/orders/order-1"))["package_cancellations"]) == 1


async def test_a_package_that_the_carrier_has_is_not_unpacked(running: Any) -> None:
    package_id = (await running.post("/wms/packages", PACKAGE)).json()["package_id"]
    shipment = {"order_id": "order-1", "package_id": package_id, "ship_to": {"name": "A"}, "parcels": 2}
    shipped = await running.post("/carriers/Speedy%20Express/shipments", shipment)
    assert shipped.status_code == 201
    refused = await running.post(f"/wms/packages/{package_id}/cancellation")
    assert (refused.status_code, refused.json()["error"]) == (409, "already_dispatched")

"""What the service shows: one order with its history, pages of orders, counts, and a description of itself."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from farandole.testing import Harness
from farandole_events import PaymentDeclined
from farandole_orders.answers import Accepted, OrderInFull, OrderPage, Problem, Summary
from farandole_orders.place import order_row, placed_event
from farandole_orders.request import OrderRequest
from farandole_orders.standing import Status
from farandole_orders.tables import orders
from sqlalchemy import text


async def test_an_order_is_shown_as_it_was_placed_with_its_history(harness: Harness, shop: Any):
    order_id = await shop.placed()
    page = await shop.page(order_id)
    OrderInFull.model_validate(page)
    assert page["ship_to"]["city"] == "Reims"
    assert [line["total_cents"] for line in page["lines"]] == [16800, 8330]
    [entry] = page["history"]
    assert (entry["event"], entry["status"], entry["cause"]) == ("OrderPlaced", "placed", None)
    assert entry["event_id"] == page["flow"]
    assert entry["occurred_at"] == page["placed_at"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "order_id", ["17", "x" * 300, "%00", "00000000-0000-0000-0000-000000000000", "../../etc", "';--"]
)
async def test_an_order_that_is_not_there_is_not_found(harness: Harness, order_id: str):
    answer = await harness.http.get(f"/orders/{order_id}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    Problem.model_validate(answer.json())


async def test_pages_list_every_order_once_in_the_order_of_acceptance(harness: Harness, shop: Any):
    placed = [await shop.placed() for _ in range(7)]
    listed: list[str] = []
    path, pages = "/orders?limit=3", 0
    while path:
        page = (await harness.http.get(path)).json()
        OrderPage.model_validate(page)
        listed += [order["order_id"] for order in page["orders"]]
        path, pages = page["next"], pages + 1
    assert listed == placed
    assert pages == 3


async def test_orders_can_be_listed_by_status(harness: Harness, shop: Any):
    ended = [await shop.placed(), await shop.placed()]
    open_one = await shop.placed()
    for order_id in ended:
        await harness.deliver(PaymentDeclined(order_id=order_id, reason="no money"))
    by_status = {}
    for status in ("cancelled", "placed", "completed"):
        page = (await harness.http.get("/orders", params={"status": status, "limit": 1})).json()
        by_status[status] = [order["order_id"] for order in page["orders"]]
        if page["next"]:
            page = (await harness.http.get(page["next"])).json()
            by_status[status] += [order["order_id"] for order in page["orders"]]
    assert by_status == {"cancelled": ended, "placed": [open_one], "completed": []}


@pytest.mark.parametrize("query", ["status=lost", "after=-1", "after=x", f"after={2**63}", "limit=0", "limit=1001"])
async def test_a_query_that_makes_no_sense_is_refused_by_name(harness: Harness, query: str):
    answer = await harness.http.get(f"/orders?{query}")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["in"], error["field"]) == ("query", query.partition("=")[0])


async def test_the_summary_counts_by_status(harness: Harness, shop: Any):
    order_id = await shop.placed()
    await shop.placed()
    await harness.deliver(PaymentDeclined(order_id=order_id, reason="no money"))
    told = (await harness.http.get("/orders/summary")).json()
    Summary.model_validate(told)
    assert (told["total"], told["open"], told["ended"]) == (2, 1, 1)
    assert {status: n for status, n in told["by_status"].items() if n} == {"placed": 1, "cancelled": 1}


async def test_ten_thousand_orders_are_counted_and_paged_quickly(harness: Harness, body: dict[str, Any]):
    await _fill(harness, body, number=10_000)
    started = time.process_time()
    for _ in range(10):
        told = (await harness.http.get("/orders/summary")).json()
    a_summary = (time.process_time() - started) / 10
    assert told["total"] == 10_000
    started = time.process_time()
    page = (await harness.http.get("/orders?status=reserved&after=9000&limit=100")).json()
    a_page = time.process_time() - started
    assert len(page["orders"]) == 100
    # CPU, not wall time: some forty times what was seen. A scan of the table for each page would not do.
    assert a_summary < 0.25
    assert a_page < 0.25


async def test_the_database_finds_pages_by_its_indexes(harness: Harness, body: dict[str, Any]):
    assert harness.store is not None
    async with harness.store.reading() as work:
        plans = [
            str((await work.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all())
            for query in (
                "SELECT * FROM orders WHERE status = 'placed' AND seq > 5 ORDER BY seq LIMIT 3",
                "SELECT status, count(*) FROM orders GROUP BY status",
                "SELECT * FROM order_history WHERE order_id = 'x' ORDER BY seq",
            )
        ]
    assert "orders_by_status (status=? AND" in plans[0]
    assert "COVERING INDEX orders_by_status" in plans[1]
    assert "SEARCH order_history USING INDEX" in plans[2]
    assert not any("SCAN order_history" in plan or "TEMP B-TREE" in plan for plan in plans[:2])


async def test_paths_and_methods_that_are_not_there_are_told_as_problems(harness: Harness):
    nowhere = await harness.http.get("/nowhere")
    wrong = await harness.http.delete("/orders")
    assert (nowhere.status_code, wrong.status_code) == (404, 405)
    for answer in (nowhere, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        Problem.model_validate(answer.json())


async def test_what_is_answered_is_what_the_description_says(harness: Harness, shop: Any):
    Accepted.model_validate((await shop.order()).json())
    described = (await harness.http.get("/openapi.json")).json()
    assert set(described["paths"]) == {
        "/orders",
        "/orders/summary",
        "/orders/{order_id}",
        "/orders/{order_id}/cancellation",
    }
    for path in described["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                kind = "application/problem+json" if int(status) >= 400 else "application/json"
                assert list(answer["content"]) == [kind], (operation["operationId"], status)
    key = described["paths"]["/orders"]["post"]["parameters"][0]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)


async def test_the_page_of_the_interface_needs_nothing_from_elsewhere(harness: Harness):
    page = await harness.http.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for told in ("POST", "/orders/{order_id}/cancellation", "Idempotency-Key", "discount_basis_points", "Problem"):
        assert told in page.text
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert "https://" not in page.text


async def _fill(harness: Harness, body: dict[str, Any], *, number: int) -> None:
    assert harness.store is not None
    now = harness.clock.now()
    placed = placed_event(OrderRequest.model_validate(body), order_id="", now=now)
    row = order_row(placed, now=now)
    statuses = list(Status)
    async with harness.store.transaction() as work:
        for start in range(0, number, 1000):
            rows = [
                {
                    **row,
                    "order_id": f"00000000-0000-0000-0000-{n:012}",
                    "status": statuses[n % len(statuses)],
                    "placed_at": now + timedelta(seconds=n),
                }
                for n in range(start, start + 1000)
            ]
            await work.execute(orders.insert(), rows)

"""The books hold every effect with its key, so a double shows; they are read a page at a time."""

from __future__ import annotations

from typing import Any

NOTE = {"customer_id": "ALFKI", "order_id": "order-1", "template": "order_placed"}


async def test_two_effects_for_one_order_under_two_keys_are_a_double(running: Any) -> None:
    for key in ("a", "b"):
        assert (await running.post("/crm/notifications", NOTE, key=key)).status_code == 201
    await running.post("/crm/notifications", NOTE | {"template": "order_completed"}, key="c")
    (double,) = (await running.get("/books/doubles"))["doubles"]
    assert (double["once"], double["count"]) == ("notification:order-1:order_placed", 2)
    kept = (await running.get("/books/orders/order-1"))["notifications"]
    assert [one["idempotency_key"] for one in kept] == ["a", "b", "c"]
    assert double["ids"] == [one["id"] for one in kept[:2]]
    assert (await running.get("/books/summary"))["doubles"]["notifications"] == 1


async def test_two_captures_for_one_order_are_a_double_but_a_voided_hold_is_not(running: Any) -> None:
    async def hold(key: str) -> str:
        body = {"order_id": "order-1", "amount_cents": 10, "currency": "USD", "payment_token": "tok"}
        return str((await running.post("/gateway/holds", body, key=key)).json()["hold_id"])

    voided, first = await hold("a"), await hold("b")
    await running.post(f"/gateway/holds/{voided}/void")
    await running.post(f"/gateway/holds/{first}/captures", {"amount_cents": 10})
    assert (await running.get("/books/doubles"))["doubles"] == []
    second = await hold("c")
    await running.post(f"/gateway/holds/{second}/captures", {"amount_cents": 10})
    doubles = {one["once"] for one in (await running.get("/books/doubles"))["doubles"]}
    assert doubles == {"capture:order-1", "hold:order-1"}
    assert (await running.get("/books/summary"))["cents"]["USD"]["captures"] == 20


async def test_pages_hold_every_order_once(running: Any) -> None:
    for n in range(25):
        await running.hold(f"order-{n:02}")
    seen: list[str] = []
    after: str | None = ""
    pages = 0
    while after is not None:
        page = await running.get(f"/books?after={after}&limit=10")
        seen += [one["order_id"] for one in page["orders"]]
        after = page["next"]
        pages += 1
    assert seen == [f"order-{n:02}" for n in range(25)]
    assert pages == 3


async def test_effects_without_an_order_are_among_the_effects(running: Any) -> None:
    await running.hold()
    body = {"product_id": "p-1", "quantity": 40, "shortage_id": "shortage-1"}
    await running.post("/suppliers/s-1/purchase-orders", body)
    page = await running.get("/books/effects?kind=purchase_order")
    assert [one["once"] for one in page["effects"]] == ["purchase_order:shortage-1"]
    assert len((await running.get("/books/effects"))["effects"]) == 2
    assert (await running.get("/books/effects?after=1&limit=1"))["effects"][0]["kind"] == "purchase_order"


async def test_calls_are_counted_a_system_a_status_and_a_second(running: Any) -> None:
    await running.post("/crm/notifications", NOTE)
    await running.post("/crm/notifications", NOTE)
    await running.post("/crm/notifications", {})
    counted = {(one["system"], one["status"]): one["count"] for one in (await running.get("/books/calls"))["calls"]}
    assert sum(counted.values()) == 3
    assert counted[("crm", 201)] + counted[("crm", 400)] == 3
    assert (await running.get("/books/summary"))["idempotent_replays"] == 1


async def test_an_order_that_the_books_do_not_know_is_not_found(running: Any) -> None:
    assert (await running.client.get("/books/orders/none")).status_code == 404


async def test_ten_thousand_orders_are_read_in_pages(running: Any) -> None:
    from farandole_sandbox.effect import Effect

    def fill(connection: Any) -> None:
        for n in range(10_000):
            for kind in ("hold", "capture", "package", "shipment"):
                Effect(
                    id=f"{kind}_{n}", kind=kind, once=f"{kind}:{n}", key="k", at="", order_id=f"{n:05}", detail={}
                ).record(connection)

    await running.sandbox.books.perform(fill)
    seen = 0
    after: str | None = ""
    while after is not None:
        page = await running.get(f"/books?after={after}&limit=2000")
        seen += len(page["orders"])
        after = page["next"]
    assert seen == 10_000
    assert (await running.get("/books/summary"))["counts"]["shipments"] == 10_000

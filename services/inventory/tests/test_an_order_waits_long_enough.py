"""An order waits for goods until its deadline, which lies before the hold on the customer's card ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from farandole.errors import StartError
from farandole.testing import Harness
from farandole_events import StockBackordered, StockLine, StockRejected, StockReserved
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings
from farandole_inventory.shelves import open_shelves
from farandole_inventory.testing import goods_received, order_placed


@pytest.fixture
async def hurried(shop: InventorySettings) -> AsyncIterator[Harness]:
    """An inventory whose orders wait for ten seconds."""
    settings = shop.model_copy(update={"backorder_deadline": timedelta(seconds=10)})
    async with Harness(service, provide={InventorySettings: settings}) as harness:
        yield harness


async def test_an_order_whose_deadline_passes_is_rejected_in_its_own_flow(hurried: Harness) -> None:
    await hurried.deliver(order_placed("o-1", chai=100, chang=1), event_id="placed-1", flow="flow-1")
    assert hurried.events(StockBackordered)[0].deadline == hurried.clock.now() + timedelta(seconds=10)
    await hurried.advance(timedelta(seconds=9))
    assert hurried.events(StockRejected) == []

    await hurried.advance(timedelta(seconds=2))

    (published,) = [one for one in hurried.published if isinstance(one.event, StockRejected)]
    assert (published.envelope.correlation_id, published.envelope.causation_id) == ("flow-1", "placed-1")
    assert hurried.events(StockRejected)[0].lines == (StockLine(product_id="chai", quantity=100),)
    await hurried.advance(timedelta(seconds=20))
    assert len(hurried.events(StockRejected)) == 1


async def test_who_waits_behind_an_order_whose_deadline_passes_is_served(hurried: Harness) -> None:
    await hurried.deliver(order_placed("o-1", chai=100))
    await hurried.advance(timedelta(seconds=5))
    await hurried.deliver(order_placed("o-2", chai=20))
    await hurried.advance(timedelta(seconds=6))

    assert [one.order_id for one in hurried.events(StockRejected)] == ["o-1"]
    assert [one.order_id for one in hurried.events(StockReserved)] == ["o-2"]
    await hurried.deliver(goods_received("po-1", "chai", 500))
    assert len(hurried.events(StockReserved)) == 1


async def test_goods_that_come_in_time_end_the_wait(hurried: Harness) -> None:
    await hurried.deliver(order_placed("o-1", chai=100))
    await hurried.deliver(goods_received("po-1", "chai", 61))
    await hurried.advance(timedelta(seconds=20))
    assert [one.order_id for one in hurried.events(StockReserved)] == ["o-1"]
    assert hurried.events(StockRejected) == []


def test_a_wait_as_long_as_the_payments_hold_is_refused_at_start() -> None:
    with pytest.raises(StartError, match="longer than its payment is held"):
        InventorySettings(backorder_deadline=timedelta(days=7))


async def test_the_first_stock_is_read_once_and_never_again(shop: InventorySettings) -> None:
    async with Harness(service, provide={InventorySettings: shop}) as inventory:
        await inventory.deliver(order_placed("o-1", chai=5))
        assert inventory.store is not None
        await open_shelves(inventory.store, shop)
        products = (await inventory.http.get("/stock")).json()["products"]
    assert [(one["product_id"], one["available"]) for one in products] == [("chai", 34), ("chang", 100), ("gumbo", 20)]


async def test_without_a_file_the_shelves_hold_northwinds_stock() -> None:
    async with Harness(service, provide={InventorySettings: InventorySettings()}) as inventory:
        products = (await inventory.http.get("/stock")).json()["products"]
    assert len(products) == 77
    assert sum(one["discontinued"] for one in products) == 8
    assert sum(one["initial"] for one in products) == 3119


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("chai,Chai,exotic,many,10,0", "row 2"),
        ("chai,Chai,exotic,-1,10,0", "from 0 to"),
        ("chai,Chai,exotic,1,10,perhaps", "row 2"),
        ("chai,Chai,exotic,1,10,0\nchai,Chai,exotic,1,10,0", "there twice"),
        ("", "holds no product"),
    ],
)
async def test_a_first_stock_that_cannot_be_right_is_refused_at_start(
    shop: InventorySettings, rows: str, why: str
) -> None:
    assert shop.products_csv is not None
    header = "product_id,name,supplier_id,units_in_stock,reorder_level,discontinued\n"
    shop.products_csv.write_text(header + rows, encoding="utf-8")
    with pytest.raises(StartError) as refused:
        async with Harness(service, provide={InventorySettings: shop}):
            pass
    assert why in str(refused.value)


async def test_reservations_are_told_a_page_at_a_time_in_the_order_of_their_age(inventory: Harness) -> None:
    for order in (order_placed("o-1", chai=1), order_placed("o-2", chai=100), order_placed("o-3", gumbo=21)):
        await inventory.deliver(order)

    first = (await inventory.http.get("/reservations", params={"limit": 2})).json()
    rest = (await inventory.http.get("/reservations", params={"after": first["next"]})).json()

    assert [(one["order_id"], one["state"]) for one in first["reservations"]] == [
        ("o-1", "held"),
        ("o-2", "backordered"),
    ]
    assert first["reservations"][1]["lines"] == [{"product_id": "chai", "quantity": 100}]
    assert [one["order_id"] for one in rest["reservations"]] == ["o-3"]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=100000", "after=9223372036854775808"])
async def test_a_page_that_cannot_be_is_refused_with_the_reason(inventory: Harness, query: str) -> None:
    answer = await inventory.http.get(f"/reservations?{query}")
    assert answer.status_code == 400
    assert "must be a number" in answer.json()["reason"]

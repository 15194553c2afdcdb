"""An order takes all of its lines from the shelves, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from farandole import Event
from farandole.testing import Harness
from farandole_events import (
    StockBackordered,
    StockLine,
    StockLow,
    StockRejected,
    StockReleased,
    StockReserved,
)
from farandole_inventory.testing import goods_received, order_cancelled, order_placed


def units(**quantities: int) -> tuple[StockLine, ...]:
    return tuple(StockLine(product_id=product, quantity=number) for product, number in quantities.items())


async def one_by_one(inventory: Harness, *events: Event) -> None:
    """Deliver events one after another: those of different keys have no order of their own."""
    for event in events:
        await inventory.deliver(event)


async def on_the_shelf(inventory: Harness, product_id: str) -> int:
    answer = await inventory.http.get("/stock")
    (product,) = [one for one in answer.json()["products"] if one["product_id"] == product_id]
    return int(product["available"])


async def states(inventory: Harness) -> dict[str, str]:
    answer = await inventory.http.get("/reservations")
    return {one["order_id"]: one["state"] for one in answer.json()["reservations"]}


async def test_an_order_that_stock_covers_is_reserved_whole(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chang=7, chai=5))

    (reserved,) = inventory.events(StockReserved)
    assert reserved.lines == units(chai=5, chang=7)
    assert (reserved.customer_id, reserved.carrier, reserved.ship_to.city) == ("VINET", "3", "Reims")
    assert await on_the_shelf(inventory, "chai") == 34
    assert await on_the_shelf(inventory, "chang") == 93
    assert inventory.events(StockLow) == []


async def test_an_order_that_misses_one_line_takes_nothing_and_waits(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chai=40, chang=7))

    (waiting,) = inventory.events(StockBackordered)
    assert waiting.missing == units(chai=1)
    assert waiting.deadline == inventory.clock.now() + timedelta(days=3)
    assert inventory.events(StockReserved) == []
    assert await on_the_shelf(inventory, "chang") == 100


async def test_a_shortage_asks_for_what_waits_and_for_a_full_shelf(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chai=50))

    (low,) = inventory.events(StockLow)
    assert (low.product_id, low.supplier_id, low.available, low.reorder_level) == ("chai", "exotic", 39, 10)
    assert low.wanted == 11 + 10 + 100


async def test_a_product_at_its_reorder_level_is_low_though_nobody_waits(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chai=28))
    assert inventory.events(StockLow) == []

    await inventory.deliver(order_placed("o-2", chai=1))
    assert [low.available for low in inventory.events(StockLow)] == [10]


async def test_a_product_has_one_open_replenishment(inventory: Harness) -> None:
    await one_by_one(
        inventory, order_placed("o-1", chai=50), order_placed("o-2", chai=50), order_placed("o-3", chai=50)
    )
    assert len(inventory.events(StockLow)) == 1


async def test_a_discontinued_product_is_sold_while_it_lasts_and_then_rejected(inventory: Harness) -> None:
    await one_by_one(
        inventory, order_placed("o-1", gumbo=15), order_placed("o-2", gumbo=6, chai=1), order_placed("o-3", gumbo=5)
    )

    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-1", "o-3"]
    (rejected,) = inventory.events(StockRejected)
    assert rejected.order_id == "o-2"
    assert "Gumbo Mix" in rejected.reason
    assert rejected.lines == units(gumbo=1)
    assert await on_the_shelf(inventory, "chai") == 39
    assert inventory.events(StockLow) == []


async def test_the_last_of_a_discontinued_product_is_kept_for_the_order_that_waits_for_another_line(
    inventory: Harness,
) -> None:
    await one_by_one(inventory, order_placed("o-1", gumbo=20, chai=50), order_placed("o-2", gumbo=1))
    assert [one.order_id for one in inventory.events(StockRejected)] == ["o-2"]

    await inventory.deliver(goods_received("po-1", "chai", 11))
    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-1"]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"lines": [("nobody-sells-this", 1)]}, "unknown product nobody-sells-this"),
        ({"lines": [("chai", 0)]}, "less than one unit"),
        ({"lines": [("chai", -5)]}, "less than one unit"),
        ({"lines": [("chai", 2**31 - 1), ("chai", 1)]}, "more units of a product than can be counted"),
        ({"lines": []}, "no lines"),
    ],
)
async def test_an_order_that_makes_no_sense_is_rejected_and_moves_nothing(
    inventory: Harness, order: dict[str, list[tuple[str, int]]], reason: str
) -> None:
    await inventory.deliver(order_placed("o-1", *order["lines"]))

    (rejected,) = inventory.events(StockRejected)
    assert reason in rejected.reason
    assert await on_the_shelf(inventory, "chai") == 39
    assert inventory.dead_letters == []


async def test_a_product_that_is_listed_twice_is_one_line(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", ("chai", 20), ("chai", 19)))
    assert inventory.events(StockReserved)[0].lines == units(chai=39)


async def test_an_order_is_decided_about_once_under_whatever_event_id(inventory: Harness) -> None:
    (record,) = await inventory.deliver(order_placed("o-1", chai=5))
    await inventory.redeliver(record)
    await inventory.deliver(order_placed("o-1", chai=5))

    assert len(inventory.events(StockReserved)) == 1
    assert await on_the_shelf(inventory, "chai") == 34


async def test_goods_go_to_the_orders_that_wait_the_oldest_first(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", chai=60), order_placed("o-2", chai=30), order_placed("o-3", chai=5))
    assert len(inventory.events(StockBackordered)) == 3, "nobody overtakes: what is there is o-1's"

    await inventory.deliver(goods_received("po-1", "chai", 51))

    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-1", "o-2"]
    assert await on_the_shelf(inventory, "chai") == 0
    assert await states(inventory) == {"o-1": "held", "o-2": "held", "o-3": "backordered"}


async def test_a_large_order_does_not_starve_behind_small_ones(inventory: Harness) -> None:
    await inventory.deliver(order_placed("large", chai=100))
    for number in range(6):
        await one_by_one(inventory, order_placed(f"small-{number}", chai=5), goods_received(f"po-{number}", "chai", 11))

    assert inventory.events(StockReserved)[0].order_id == "large"


async def test_an_order_that_waits_for_nothing_of_an_older_one_is_not_held_up(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", chai=100), order_placed("o-2", chang=101))
    await inventory.deliver(goods_received("po-1", "chang", 1))
    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-2"]


async def test_a_late_reservation_belongs_to_the_flow_of_its_order(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chai=40), event_id="placed-1", flow="flow-1")
    await inventory.deliver(goods_received("po-1", "chai", 1), flow="flow-of-the-goods")

    (published,) = [one for one in inventory.published if isinstance(one.event, StockReserved)]
    assert published.envelope.correlation_id == "flow-1"
    assert published.envelope.causes == ("placed-1",)


async def test_goods_that_are_told_of_twice_are_counted_once(inventory: Harness) -> None:
    (record,) = await inventory.deliver(goods_received("po-1", "chai", 100))
    await inventory.redeliver(record)
    await inventory.deliver(goods_received("po-1", "chai", 100))
    assert await on_the_shelf(inventory, "chai") == 139


async def test_goods_that_do_not_suffice_are_followed_by_another_shortage(inventory: Harness) -> None:
    await inventory.deliver(order_placed("o-1", chai=50))
    await inventory.deliver(goods_received("po-1", "chai", 5))

    first, second = inventory.events(StockLow)
    assert first.shortage_id != second.shortage_id
    assert (second.available, second.wanted) == (44, 6 + 110)
    assert inventory.events(StockReserved) == []


async def test_goods_for_a_product_that_nobody_knows_are_a_dead_letter_and_not_lost(inventory: Harness) -> None:
    await inventory.deliver(goods_received("po-1", "nobody-sells-this", 5))
    assert len(inventory.dead_letters) == 1


async def test_goods_without_units_are_a_dead_letter(inventory: Harness) -> None:
    await inventory.deliver(goods_received("po-1", "chai", -5))
    assert len(inventory.dead_letters) == 1
    assert await on_the_shelf(inventory, "chai") == 39


async def test_a_cancelled_order_gives_back_what_it_held(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", chai=5), order_cancelled("o-1"), order_cancelled("o-1"))

    (released,) = inventory.events(StockReleased)
    assert released.lines == units(chai=5)
    assert released.reservation_id == inventory.events(StockReserved)[0].reservation_id
    assert await on_the_shelf(inventory, "chai") == 39


async def test_what_a_cancelled_order_gives_back_goes_to_who_waits(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", chai=30), order_placed("o-2", chai=20), order_cancelled("o-1"))
    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-1", "o-2"]


async def test_a_cancelled_order_waits_no_longer_and_who_waits_behind_it_is_served(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", chai=100), order_placed("o-2", chai=20))
    await inventory.deliver(order_cancelled("o-1"))

    assert inventory.events(StockReleased) == []
    assert [one.order_id for one in inventory.events(StockReserved)] == ["o-2"]
    await inventory.deliver(goods_received("po-1", "chai", 500))
    assert len(inventory.events(StockReserved)) == 1


async def test_an_order_that_was_cancelled_before_it_came_gets_nothing(inventory: Harness) -> None:
    await inventory.deliver(order_cancelled("o-1"))
    await inventory.deliver(order_placed("o-1", chai=5))

    assert inventory.published == []
    assert await on_the_shelf(inventory, "chai") == 39
    assert await states(inventory) == {"o-1": "cancelled"}


async def test_a_rejected_order_that_is_cancelled_has_nothing_to_give_back(inventory: Harness) -> None:
    await one_by_one(inventory, order_placed("o-1", gumbo=21), order_cancelled("o-1"))
    assert inventory.events(StockReleased) == []
    assert await states(inventory) == {"o-1": "rejected"}

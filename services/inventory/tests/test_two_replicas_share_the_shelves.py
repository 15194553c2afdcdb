"""Two replicas on one PostgreSQL, or one SQLite file, take orders for the same products at the same time.

Every order names its products in an order of its own, cancellations race with their orders, and goods arrive at both
replicas meanwhile. Nothing deadlocks for good, and the books balance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from random import Random

from farandole import Event, UnitOfWork
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_events import StockBackordered, StockRejected, StockReleased, StockReserved
from farandole_inventory.product import Product
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings
from farandole_inventory.shelves import Shelves
from farandole_inventory.testing import goods_received, imbalances, order_cancelled, order_placed
from sqlalchemy import text

PRODUCTS = [str(number) for number in range(1, 13)]
ORDERS = 120


def events(random: Random) -> list[Event]:
    made: list[Event] = []
    for number in range(ORDERS):
        lines = [(product, random.randint(1, 20)) for product in random.sample(PRODUCTS, random.randint(1, 4))]
        made.append(order_placed(f"o-{number}", *lines))
        if random.random() < 0.2:
            made.append(order_cancelled(f"o-{number}"))
        if random.random() < 0.3:
            made.append(goods_received(f"po-{number}", random.choice(PRODUCTS), random.randint(1, 60)))
    # Near one another still, so that orders, their cancellations and goods meet.
    return [
        event for _, event in sorted(((place + random.uniform(0, 8), e) for place, e in enumerate(made)), key=first)
    ]


def first(pair: tuple[float, Event]) -> float:
    return pair[0]


async def test_the_books_balance_when_replicas_race(database_url: str) -> None:
    random = Random(7)
    settings = InventorySettings(headroom=10)
    provide = {InventorySettings: settings}
    async with (
        Harness(service, provide=provide, database_url=database_url) as one,
        Harness(service, provide=provide, database_url=database_url) as other,
    ):
        history = events(random)
        for start in range(0, len(history), 24):
            few = history[start : start + 24]
            # A third of the events reaches both, as after a rebalance, under one id.
            both = [(event, f"event-{start + place}") for place, event in enumerate(few)]
            await asyncio.gather(
                *(one.deliver(event, event_id=event_id) for event, event_id in both if random.random() < 0.67),
                *(other.deliver(event, event_id=event_id) for event, event_id in both),
            )
        await one.advance(timedelta(minutes=1))
        await other.advance(timedelta(minutes=1))
        assert one.store is not None
        assert await imbalances(one.store) == []
        assert one.dead_letters == []
        assert other.dead_letters == []
        await assert_one_story(one, other)


async def assert_one_story(one: Harness, other: Harness) -> None:
    """Both replicas may publish an event, under one id: whoever hears it drops the second."""
    told = {published.envelope.id: published.event for replica in (one, other) for published in replica.published}
    for kind in (StockReserved, StockReleased, StockRejected):
        orders = [event.order_id for event in told.values() if isinstance(event, kind)]
        assert len(orders) == len(set(orders))
    answer = await one.http.get("/reservations", params={"limit": 1000})
    states = {found["order_id"]: found["state"] for found in answer.json()["reservations"]}
    assert len(states) == ORDERS
    assert {"held", "backordered"} <= set(states.values())


class Interrupted(Shelves):
    """Lets something else happen once, just before or just after products are locked."""

    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None

    async def lock(self, work: UnitOfWork, product_ids: Iterable[str]) -> dict[str, Product]:
        before, self.before = self.before, None
        if before is not None:
            await before()
        products = await super().lock(work, product_ids)
        after, self.after = self.after, None
        if after is not None:
            await after()
        return products


async def test_an_order_that_begins_to_wait_while_its_goods_arrive_is_seen(postgresql: PostgreSQLServer) -> None:
    url, settings = postgresql.database("meanwhile"), InventorySettings()
    shelves = Interrupted(settings)
    async with (
        Harness(service, provide={InventorySettings: settings}, database_url=url) as other,
        Harness(service, provide={InventorySettings: settings, Shelves: shelves}, database_url=url) as one,
    ):
        shelves.before = lambda: other.deliver(order_placed("o-1", ("1", 100), ("2", 5)))
        await one.deliver(goods_received("po-1", "1", 61))

        assert [waiting.order_id for waiting in other.events(StockBackordered)] == ["o-1"]
        assert [reserved.order_id for reserved in one.events(StockReserved)] == ["o-1"]
        assert one.retries == []
        assert one.store is not None
        assert await imbalances(one.store) == []


async def test_an_order_waits_for_one_that_is_being_decided_about_the_same_product(
    postgresql: PostgreSQLServer,
) -> None:
    url, settings = postgresql.database("the_last_units"), InventorySettings()
    shelves = Interrupted(settings)
    rival: list[asyncio.Task[object]] = []
    async with (
        Harness(service, provide={InventorySettings: settings}, database_url=url) as other,
        Harness(service, provide={InventorySettings: settings, Shelves: shelves}, database_url=url) as one,
    ):

        async def the_rival_comes() -> None:
            rival.append(asyncio.create_task(other.deliver(order_placed("o-2", ("1", 39)))))
            async with asyncio.timeout(20):
                while not rival[0].done() and not await somebody_waits_for_a_lock(one):  # noqa: ASYNC110 - PostgreSQL sets no Event
                    await asyncio.sleep(0.01)

        shelves.after = the_rival_comes
        await one.deliver(order_placed("o-1", ("1", 39)))
        await rival[0]

        assert [reserved.order_id for reserved in one.events(StockReserved)] == ["o-1"]
        assert [waiting.order_id for waiting in other.events(StockBackordered)] == ["o-2"]
        assert (one.retries, other.retries) == ([], [])


async def somebody_waits_for_a_lock(replica: Harness) -> bool:
    assert replica.store is not None
    async with replica.store.reading() as work:
        return bool(await work.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

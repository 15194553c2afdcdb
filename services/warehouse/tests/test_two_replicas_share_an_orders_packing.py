"""Two replicas of the warehouse on one database, each holding another event of the same order, at the same time.

Each sees one half of the join: one of them must pack, and not both. One begins to pack while the other is asked to
cancel: one of them must win, and both must say the same. Many orders at once make every interleaving likely; the last
tests stop one replica half-way, so that the dangerous one is certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

import psycopg
import pytest
from farandole import Event
from farandole.testing import Harness
from farandole_events import (
    Address,
    CancellationRefused,
    CancellationRequested,
    FulfilmentCancelled,
    OrderPacked,
    PaymentAuthorised,
    StockLine,
    StockReserved,
)
from farandole_warehouse.floor import begin_packing, note_authorised
from farandole_warehouse.service import service
from farandole_warehouse.testing import FakeWarehouseSystem
from farandole_warehouse.wms import WarehouseSystem

ORDERS = [f"o-{number}" for number in range(12)]


def reserved(order_id: str) -> StockReserved:
    return StockReserved(
        order_id=order_id,
        reservation_id=f"r-{order_id}",
        customer_id="VINET",
        lines=(StockLine(product_id="11", quantity=12),),
        ship_to=Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country="France"),
        carrier="Federal Shipping",
    )


def authorised(order_id: str) -> PaymentAuthorised:
    return PaymentAuthorised(
        order_id=order_id, hold_id="h", amount_cents=1, currency="USD", expires_at=datetime(2026, 2, 1, tzinfo=UTC)
    )


def requested(order_id: str) -> CancellationRequested:
    return CancellationRequested(order_id=order_id, reason="changed my mind")


@pytest.fixture
def floor() -> FakeWarehouseSystem:
    return FakeWarehouseSystem()


@pytest.fixture
async def replicas(floor: FakeWarehouseSystem, database_url: str) -> AsyncIterator[tuple[Harness, Harness]]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(
                Harness(service, provide={WarehouseSystem: floor}, database_url=database_url)
            )
            for _ in range(2)
        ]
        yield first, second


def told(replicas: tuple[Harness, Harness], kind: type[Event]) -> list[str]:
    return sorted(event.key for replica in replicas for event in replica.events(kind))


async def test_two_replicas_that_each_see_one_half_pack_once(
    replicas: tuple[Harness, Harness], floor: FakeWarehouseSystem
) -> None:
    first, second = replicas
    await asyncio.gather(
        first.deliver(*(reserved(order) for order in ORDERS)), second.deliver(*(authorised(order) for order in ORDERS))
    )
    assert told(replicas, OrderPacked) == sorted(ORDERS)
    assert sorted(floor.calls) == sorted(ORDERS)


async def test_two_replicas_that_see_the_same_half_under_two_ids_pack_once(
    replicas: tuple[Harness, Harness], floor: FakeWarehouseSystem
) -> None:
    await replicas[0].deliver(*(reserved(order) for order in ORDERS))
    await asyncio.gather(*(one.deliver(*(authorised(order) for order in ORDERS)) for one in replicas))
    assert told(replicas, OrderPacked) == sorted(ORDERS)
    assert sorted(floor.calls) == sorted(ORDERS)


async def test_packing_and_cancelling_at_once_ends_with_one_of_them(
    replicas: tuple[Harness, Harness], floor: FakeWarehouseSystem
) -> None:
    first, second = replicas
    await first.deliver(*(reserved(order) for order in ORDERS))
    await asyncio.gather(
        first.deliver(*(authorised(order) for order in ORDERS)),
        second.deliver(*(requested(order) for order in reversed(ORDERS))),
    )
    packed, cancelled = told(replicas, OrderPacked), told(replicas, FulfilmentCancelled)
    assert sorted(packed + cancelled) == sorted(ORDERS)
    assert told(replicas, CancellationRefused) == packed
    assert sorted(floor.calls) == packed


async def test_a_cancellation_while_the_floor_packs_is_refused_by_the_other_replica(
    replicas: tuple[Harness, Harness], floor: FakeWarehouseSystem
) -> None:
    first, second = replicas
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def stand_still() -> None:
        reached.set()
        await go_on.wait()

    floor.before = stand_still
    await first.deliver(reserved("o-1"))
    packing = asyncio.create_task(first.deliver(authorised("o-1")))
    await asyncio.wait_for(reached.wait(), 10)
    await second.deliver(requested("o-1"))
    assert told(replicas, CancellationRefused) == ["o-1"]
    go_on.set()
    await packing
    assert told(replicas, OrderPacked) == ["o-1"]


async def test_a_replica_that_dies_at_the_floor_is_followed_by_the_one_that_gets_its_delivery(
    floor: FakeWarehouseSystem, database_url: str
) -> None:
    reached = asyncio.Event()

    async def never_answer() -> None:
        reached.set()
        await asyncio.Event().wait()

    floor.before = never_answer
    async with Harness(service, provide={WarehouseSystem: floor}, database_url=database_url) as dying:
        await dying.deliver(reserved("o-1"))
        last = asyncio.create_task(dying.deliver(authorised("o-1"), event_id="the-authorisation"))
        await asyncio.wait_for(reached.wait(), 10)
        last.cancel()
        with suppress(asyncio.CancelledError):
            await last
    floor.before = None
    async with Harness(service, provide={WarehouseSystem: floor}, database_url=database_url) as heir:
        await heir.deliver(requested("o-1"))
        assert [type(one.event) for one in heir.published] == [CancellationRefused]
        await heir.deliver(authorised("o-1"), event_id="the-authorisation")
        assert len(heir.events(OrderPacked)) == 1
    assert floor.packed == {"o-1": 1}


async def test_a_cancellation_waits_for_a_decision_that_is_not_yet_committed(
    floor: FakeWarehouseSystem, postgresql_url: str
) -> None:
    """PostgreSQL only: there a reader that takes no lock would see the order as it was before the decision."""
    async with Harness(service, provide={WarehouseSystem: floor}, database_url=postgresql_url) as warehouse:
        await warehouse.deliver(reserved("o-1"))
        assert warehouse.store is not None
        async with warehouse.store.transaction() as deciding:
            await note_authorised(deciding, "o-1")
            await begin_packing(deciding, "o-1", "an-authorisation")
            cancelling = asyncio.create_task(warehouse.deliver(requested("o-1")))
            await somebody_waits_for_a_lock(postgresql_url)
        await cancelling
        assert [type(one.event) for one in warehouse.published] == [CancellationRefused]


async def somebody_waits_for_a_lock(url: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while (await (await connection.execute(waiting)).fetchone()) == (0,):  # noqa: ASYNC110 - a database sets no Event
            await asyncio.sleep(0.005)

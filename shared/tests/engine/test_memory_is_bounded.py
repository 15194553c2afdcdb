"""A worker's memory is bounded by what its records weigh, not only by how many they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from farandole import Backoff, Retry, Service
from farandole.testing import Harness
from farandole_events import OrderCancelled

HALF_A_MEGABYTE = "x" * 500_000
MOST_BYTES = 2_000_000
FEW = 4


def heavy(number: int) -> OrderCancelled:
    return OrderCancelled(order_id=f"o-{number}", customer_id="c-1", reason=HALF_A_MEGABYTE, cause="customer")


async def test_nothing_is_fetched_while_what_is_in_flight_weighs_too_much() -> None:
    go_on = asyncio.Event()
    handled = 0
    service = Service("heavy")

    async def listen(event: OrderCancelled) -> None:
        nonlocal handled
        await go_on.wait()
        handled += 1

    service.on(OrderCancelled)(listen)
    async with asyncio.timeout(30), Harness(service) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        worker._most_bytes_in_flight = MOST_BYTES
        for number in range(10):
            delivering = asyncio.ensure_future(harness.deliver(heavy(number)))
            await asyncio.sleep(0.02)
            delivering.cancel()
        assert worker.in_flight == FEW
        go_on.set()
        await harness.settle()
        assert handled == 10
        assert harness.broker.committed["heavy", "orders"] == 10
        assert worker._bytes.total() == 0


async def test_a_retry_tier_is_paused_while_what_is_held_of_it_weighs_too_much_and_all_of_it_comes() -> None:
    handled: set[str] = set()
    tried: set[str] = set()
    service = Service("held")

    async def listen(event: OrderCancelled) -> None:
        if event.order_id not in tried:
            tried.add(event.order_id)
            raise Retry("later", after=timedelta(minutes=1))
        handled.add(event.order_id)

    service.on(OrderCancelled, retry=Backoff(longest=timedelta(minutes=1)))(listen)
    async with asyncio.timeout(30), Harness(service) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        worker._most_bytes_held = MOST_BYTES
        for number in range(10):
            await harness.deliver(heavy(number))
        assert worker.held == FEW
        await harness.advance(timedelta(minutes=5))
        assert len(handled) == 10
        assert (worker.held, worker._early_bytes) == (0, 0)


async def test_of_one_fetch_no_more_is_admitted_than_there_is_room_for() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    service = Service("batch")

    async def listen(event: OrderCancelled) -> None:
        began.set()
        await go_on.wait()

    service.on(OrderCancelled)(listen)
    async with asyncio.timeout(30), Harness(service) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        worker._most_bytes_in_flight = MOST_BYTES
        delivering = asyncio.ensure_future(harness.deliver(*[heavy(number) for number in range(10)]))
        await began.wait()
        assert worker.in_flight == FEW
        go_on.set()
        await delivering
        assert harness.broker.committed["batch", "orders"] == 10

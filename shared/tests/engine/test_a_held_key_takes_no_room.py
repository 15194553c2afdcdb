"""What is held back in memory takes no room from what is in flight, is bounded, and keeps no service from stopping."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from farandole import Backoff, Service
from farandole.settings import Settings
from farandole.testing import Harness
from farandole_events import OrderCancelled, OrderCompleted
from sqlalchemy import MetaData

RETRY = Backoff(first=timedelta(minutes=1), factor=1, attempts=100)
FEW = 4


def cancelled(key: str, number: int) -> OrderCancelled:
    return OrderCancelled(order_id=key, customer_id="c", reason=f"{key}{number}", cause="customer")


def completion(key: str) -> OrderCompleted:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return OrderCompleted(order_id=key, customer_id="c", total_cents=1, currency="USD", completed_at=moment)


class Listener:
    """Fails on one key until it is told not to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.broken = True

    def service(self) -> Service:
        service = Service("listener")

        async def listen(event: OrderCancelled) -> None:
            if self.broken and event.order_id == "bad":
                raise ValueError("not yet")
            self.heard.append(event.reason)

        service.on(OrderCancelled, retry=RETRY, order="key")(listen)
        return service


async def test_more_events_than_may_be_in_flight_wait_behind_a_held_one_while_other_keys_go_on() -> None:
    listener = Listener()
    async with Harness(listener.service(), settings=Settings(most_in_flight=FEW)) as harness:
        for number in range(10 * FEW):
            await harness.deliver(cancelled("bad", number), cancelled("good", number))
        assert listener.heard == [f"good{number}" for number in range(10 * FEW)]
        worker = harness.runtime.worker
        assert worker is not None
        assert (worker.held, worker.in_flight) == (10 * FEW, 0)

        listener.broken = False
        await harness.advance(timedelta(minutes=2))
        assert listener.heard[10 * FEW :] == [f"bad{number}" for number in range(10 * FEW)]
        assert (worker.held, worker.in_flight) == (0, 0)
        assert harness.broker.committed["listener", "orders"] == 20 * FEW


async def test_what_stood_behind_a_held_event_takes_no_room_either_when_it_goes_on() -> None:
    service = Service("listener")
    broken, slow, heard_good = True, asyncio.Event(), asyncio.Event()
    heard: list[str] = []

    async def listen(event: OrderCancelled) -> None:
        if event.order_id == "good":
            heard_good.set()
        elif broken:
            raise ValueError("not yet")
        elif heard:
            await slow.wait()
        heard.append(event.reason)

    service.on(OrderCancelled, retry=RETRY, order="key")(listen)
    async with asyncio.timeout(10), Harness(service, settings=Settings(most_in_flight=FEW)) as harness:
        for number in range(10 * FEW):
            await harness.deliver(cancelled("bad", number))
        broken = False
        goes_on = asyncio.ensure_future(harness.advance(timedelta(minutes=2)))
        while not heard:  # noqa: ASYNC110 - the handler's
            await asyncio.sleep(0)
        delivered = asyncio.ensure_future(harness.deliver(cancelled("good", 0)))
        await heard_good.wait()
        slow.set()
        await asyncio.gather(goes_on, delivered)
        assert heard == ["bad0", "good0", *(f"bad{number}" for number in range(1, 10 * FEW))]
        worker = harness.runtime.worker
        assert worker is not None
        assert (worker.held, worker.in_flight, worker._lanes.held_bytes) == (0, 0, 0)


async def test_the_partition_is_paused_when_too_much_of_it_is_held_and_resumed_when_half_of_that_is_gone() -> None:
    listener = Listener()
    async with Harness(listener.service()) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        worker._most_held = FEW
        for number in range(2 * FEW):
            await harness.deliver(cancelled("bad", number))
        assert worker.held == FEW
        await harness.deliver(cancelled("good", 0))
        assert listener.heard == [], "it lies behind, on the paused partition"

        listener.broken = False
        await harness.advance(timedelta(minutes=2))
        assert sorted(listener.heard) == sorted(["good0", *(f"bad{number}" for number in range(2 * FEW))])


async def test_the_partition_is_paused_when_a_held_event_keeps_too_many_offsets_from_being_committed() -> None:
    listener = Listener()
    async with Harness(listener.service()) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        worker._most_uncommitted = FEW
        await harness.deliver(cancelled("bad", 0))
        for number in range(2 * FEW):
            await harness.deliver(cancelled("good", number))
        assert len(listener.heard) == FEW - 1

        listener.broken = False
        await harness.advance(timedelta(minutes=2))
        assert len(listener.heard) == 1 + 2 * FEW
        assert harness.broker.committed["listener", "orders"] == 1 + 2 * FEW


async def test_events_of_other_types_wait_behind_their_key_too() -> None:
    listener = Listener()
    service = listener.service()
    completed: list[str] = []

    async def complete(event: OrderCompleted) -> None:
        completed.append(event.order_id)

    service.on(OrderCompleted)(complete)
    async with Harness(service) as harness:
        await harness.deliver(cancelled("bad", 0))
        await harness.deliver(completion("bad"))
        assert completed == []
        listener.broken = False
        await harness.advance(timedelta(minutes=2))
        assert completed == ["bad"]


async def test_a_service_stops_at_once_however_much_it_holds() -> None:
    listener = Listener()
    async with asyncio.timeout(5), Harness(listener.service()) as harness:
        await harness.deliver(cancelled("bad", 0), cancelled("bad", 1))
        harness.runtime.stop(timedelta(seconds=60))
        assert harness._running is not None
        await harness._running
        assert ("listener", "orders") not in harness.broker.committed


@pytest.mark.parametrize("stored", [False, True], ids=["plain", "stored"])
async def test_order_costs_no_exchange_with_the_ledger_while_nothing_is_held(stored: bool) -> None:
    exchanges = {}
    for order in (None, "key"):
        service = Service("costs", tables=MetaData() if stored else None)

        async def listen(event: OrderCancelled) -> None:
            """Take it."""

        service.on(OrderCancelled, order=order)(listen)
        async with Harness(service) as harness:
            counted = Counted(harness)
            for number in range(20):
                await harness.deliver(cancelled("a", number), cancelled("b", number))
            exchanges[order] = counted.exchanges
    assert exchanges["key"] == exchanges[None] > 0


class Counted:
    """Counts what a harness's ledger is asked."""

    def __init__(self, harness: Harness) -> None:
        self.exchanges = 0
        ask = harness.ledger.exchange

        async def exchange(*arguments: Any) -> Any:
            self.exchanges += 1
            return await ask(*arguments)

        object.__setattr__(harness.ledger, "exchange", exchange)

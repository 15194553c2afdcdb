"""A service that is asked to stop does stop: whatever is away, whatever fails, and however full it is.

What it leaves behind is not finished, so another replica, or its next start, is given it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from farandole import Delivery, Service
from farandole.engine.ports import Message
from farandole.engine.relay import Relay
from farandole.errors import BrokerUnavailableError
from farandole.settings import Settings
from farandole.store import StoredFollowOn
from farandole.testing import Harness
from farandole_events import OrderCancelled
from sqlalchemy import MetaData

AT_ONCE = timedelta(0)
SOON = 5


def cancelled(order: str) -> OrderCancelled:
    return OrderCancelled(order_id=order, customer_id="c-1", reason="x", cause="customer")


def listening(name: str) -> Service:
    service = Service(name)

    async def listen(event: OrderCancelled) -> None:
        pass

    service.on(OrderCancelled)(listen)
    return service


async def stopped(harness: Harness, grace: timedelta) -> None:
    harness.runtime.stop(grace)
    running = harness._running
    assert running is not None
    async with asyncio.timeout(SOON):
        await running


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


async def test_a_service_that_waits_for_its_ledger_stops() -> None:
    harness = Harness(listening("waiting"))
    harness.ledger.unavailable = True
    async with harness:
        await stopped(harness, timedelta(seconds=1))


async def test_a_service_whose_deliveries_wait_for_the_ledger_does_not_wait_for_them() -> None:
    async with Harness(listening("waiting")) as harness:
        worker = harness.runtime.worker
        assert worker is not None
        harness.ledger.unavailable = True
        delivered = asyncio.ensure_future(harness.deliver(cancelled("o-1"), cancelled("o-2")))
        await until(lambda: worker.in_flight == 2)
        await until(lambda: harness.runtime.session is not None and harness.runtime.session.unavailable is not None)
        await stopped(harness, timedelta(minutes=1))
        delivered.cancel()
        assert ("waiting", "orders") not in harness.broker.committed


async def test_a_service_that_lost_its_epoch_and_then_its_ledger_stops() -> None:
    async with Harness(listening("lost")) as harness:
        session = harness.runtime.session
        assert session is not None
        harness.ledger.fail_over()
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1")))
        async with asyncio.timeout(SOON):
            await until(lambda: session.lost)
            harness.ledger.unavailable = True
            await until(lambda: session.unavailable is not None)
        await stopped(harness, timedelta(seconds=1))
        delivering.cancel()
        assert ("lost", "orders") not in harness.broker.committed


async def test_a_full_service_stops_at_once_when_it_has_no_time() -> None:
    began = asyncio.Event()
    service = Service("full")

    async def listen(event: OrderCancelled) -> None:
        began.set()
        await asyncio.Event().wait()

    service.on(OrderCancelled)(listen)
    async with Harness(service, settings=Settings(most_in_flight=1)) as harness:
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1"), cancelled("o-2")))
        await began.wait()
        await stopped(harness, AT_ONCE)
        delivering.cancel()
        assert ("full", "orders") not in harness.broker.committed


async def test_a_service_stops_while_its_observer_fails_and_is_given_the_batch_again_later() -> None:
    failing = asyncio.Event()
    service = Service("failing")

    async def watch(deliveries: Sequence[Delivery]) -> None:
        failing.set()
        raise ValueError("its database is away")

    service.observe(watch)
    async with Harness(service) as harness:
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1")))
        await failing.wait()
        await stopped(harness, timedelta(seconds=1))
        delivering.cancel()
        assert ("failing.observer", "orders") not in harness.broker.committed


async def test_an_observer_whose_own_work_was_cancelled_is_given_its_batch_again() -> None:
    given = 0
    service = Service("own")

    async def watch(deliveries: Sequence[Delivery]) -> None:
        nonlocal given
        given += 1
        if given == 1:
            raise asyncio.CancelledError

    service.observe(watch)
    async with Harness(service) as harness:
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1")))
        await asyncio.sleep(0.05)
        await harness.advance(timedelta(seconds=1))
        await delivering
        assert given == 2
        assert harness.broker.committed["own.observer", "orders"] == 1


async def test_a_timer_whose_own_work_was_cancelled_runs_again() -> None:
    runs = 0
    service = Service("timed", tables=MetaData())

    async def tick() -> None:
        nonlocal runs
        runs += 1
        raise asyncio.CancelledError

    service.every(timedelta(seconds=1))(tick)
    async with Harness(service) as harness:
        await harness.advance(timedelta(seconds=3))
        assert runs == 3


class Rows:
    """Stands in for a store whose outbox holds some events."""

    def __init__(self, *topics: str) -> None:
        self.outbox = self
        self.waiting = [
            StoredFollowOn(event_id=topic, type="T", topic=topic, key=b"k", value=b"v", headers=()) for topic in topics
        ]

    def on_added(self, _: Callable[[], None]) -> None:
        pass

    @asynccontextmanager
    async def batch(self, _: int) -> AsyncIterator[list[StoredFollowOn]]:
        yield self.waiting
        self.waiting = []


class HardToReach:
    """Stands in for a publisher whose brokers are away for one publication."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self._refusals = 1

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise BrokerUnavailableError("away")
        self.published += [one.topic for one in messages]


async def test_a_relay_that_is_to_finish_publishes_what_waits_and_ends() -> None:
    rows, publisher = Rows("orders", "payments"), HardToReach()
    relay = Relay(store=rows, publisher=publisher)  # type: ignore[arg-type] - the part of a store that it uses
    relay.finish()
    async with asyncio.timeout(SOON):
        await relay.run()
    assert publisher.published == ["orders", "payments"]
    assert rows.waiting == []


async def test_an_observer_that_hangs_gets_the_grace_and_is_given_its_batch_again_later() -> None:
    hanging = asyncio.Event()
    service = Service("hanging")

    async def watch(deliveries: Sequence[Delivery]) -> None:
        hanging.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if harness_is_over.is_set():
                    raise

    harness_is_over = asyncio.Event()
    service.observe(watch)
    async with Harness(service) as harness:
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1")))
        await hanging.wait()
        await stopped(harness, timedelta(milliseconds=100))
        delivering.cancel()
        harness_is_over.set()
        assert ("hanging.observer", "orders") not in harness.broker.committed


async def test_an_observer_finishes_the_batch_in_hand_within_the_grace() -> None:
    began, told = asyncio.Event(), asyncio.Event()
    service = Service("finishing")

    async def watch(deliveries: Sequence[Delivery]) -> None:
        began.set()
        await told.wait()

    service.observe(watch)
    async with Harness(service) as harness:
        delivering = asyncio.ensure_future(harness.deliver(cancelled("o-1")))
        await began.wait()
        harness.runtime.stop(timedelta(seconds=SOON))
        told.set()
        assert harness._running is not None
        await harness._running
        delivering.cancel()
        assert harness.broker.committed["finishing.observer", "orders"] == 1

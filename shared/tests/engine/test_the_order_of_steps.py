"""Acknowledge the follow-ons, settle `done`, commit; settle what a record announces, write it; and obey a refusal.

A crash may come between any two steps, so each test stops the engine at one of them, as kill -9 would, and starts it
again on what was durable: the broker, the ledger, the database. Or the ledger refuses a settle, as it does when another
worker has the delivery by now: then nothing is written for it, and it is claimed again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from farandole import Backoff, Delivery, Reject, Service, UnitOfWork
from farandole.engine.ports import Message
from farandole.envelope import Envelope
from farandole.ledger import Claim, MemoryLedger, Settle, State, event_key
from farandole.ledger.ledger import Answers
from farandole.testing import Harness
from farandole.testing.memory_broker import MemoryBroker
from farandole_events import OrderCancelled, StockReleased
from sqlalchemy import MetaData

SOON = Backoff(first=timedelta(milliseconds=10), factor=1, attempts=3)
DLQ, RETRY = "steps.dlq", "steps.retry.1"


class Withholding(MemoryBroker):
    """A broker that never acknowledges what goes to one topic, nor keeps it."""

    withheld = ""

    def __init__(self, harness: Harness) -> None:
        super().__init__(harness.clock)
        self.reached = asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> None:
        if any(one.topic == self.withheld for one in messages):
            self.reached.set()
            await asyncio.Event().wait()
        await super().publish(messages)


class Refusing(MemoryLedger):
    """A ledger that refuses the first settle it is asked for, and leaves the entry as it is."""

    refuses = True

    async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
        if not (settles and self.refuses):
            return await super().exchange(epoch, settles, claims)
        self.refuses = False
        answers = await super().exchange(epoch, settles[1:], claims)
        return Answers(settled=(False, *answers.settled), claimed=answers.claimed, conflicting=answers.conflicting)


class Author:
    """Runs as a handler, writes down which attempts it saw, and fails as often as it is told to."""

    def __init__(self, *, failures: int = 0, error: type[Exception] = ValueError) -> None:
        self.attempts: list[int] = []
        self.failures = failures
        self.error = error

    def ran(self, cancelled: OrderCancelled, delivery: Delivery) -> StockReleased:
        self.attempts.append(delivery.attempt)
        if len(self.attempts) <= self.failures:
            raise self.error("not now")
        return StockReleased(order_id=cancelled.order_id, reservation_id="r-1", lines=())


def plain(author: Author) -> Service:
    service = Service("steps")

    async def release(cancelled: OrderCancelled, delivery: Delivery) -> StockReleased:
        return author.ran(cancelled, delivery)

    service.on(OrderCancelled, retry=SOON)(release)
    return service


def stored(author: Author) -> Service:
    service = Service("steps", tables=MetaData())

    async def release(cancelled: OrderCancelled, delivery: Delivery, work: UnitOfWork) -> StockReleased:
        return author.ran(cancelled, delivery)

    service.on(OrderCancelled, retry=SOON)(release)
    return service


KINDS = pytest.mark.parametrize("kind", [plain, stored])


def record(harness: Harness, event_id: str = "e-1", order: str = "o-1") -> Message:
    event = OrderCancelled(order_id=order, customer_id="c-1", reason="x", cause="customer")
    envelope = Envelope(
        id=event_id, type=event.avro.fullname, source="test", subject=order, time="", correlation_id=event_id
    )
    value = harness.runtime.codec.encode(event)
    return Message(topic="orders", key=order.encode(), value=value, headers=envelope.headers())


async def crashed_at(topic: str, service: Service, folder: Path) -> Harness:
    """Run the service until it writes to the topic, end it there, and return what it may go on with after that."""
    url = f"sqlite:///{folder / 'steps.db'}"
    before = Harness(service, database_url=url)
    broker = Withholding(before)
    before.broker, broker.withheld = broker, topic
    async with asyncio.timeout(20), before:
        broker.append(record(before))
        await broker.reached.wait()
    broker.withheld = ""
    after = Harness(service, database_url=url, clock=before.clock)
    after.broker, after.ledger = broker, before.ledger
    return after


def state(harness: Harness) -> State | None:
    entry = harness.ledger._find(event_key("test", "e-1"))
    return entry.state if entry else None


@KINDS
async def test_a_crash_before_the_follow_ons_are_acknowledged_loses_none_of_them(
    kind: Callable[[Author], Service], tmp_path: Path
) -> None:
    author = Author()
    async with await crashed_at("reservations", kind(author), tmp_path) as harness:
        assert len(harness.events(StockReleased)) == 1
        assert state(harness) is State.DONE
        assert harness.broker.committed["steps", "orders"] == 1


async def test_a_retry_that_was_announced_is_written_after_a_crash_and_the_handler_does_not_run_for_it(
    tmp_path: Path,
) -> None:
    author = Author(failures=1)
    async with await crashed_at(RETRY, plain(author), tmp_path) as harness:
        await harness.advance(timedelta(seconds=1))
        assert author.attempts == [0, 1]
        assert len(harness.retries) == 1
        assert len(harness.events(StockReleased)) == 1


@KINDS
async def test_a_dead_letter_that_was_announced_is_written_after_a_crash_and_the_handler_does_not_run_for_it(
    kind: Callable[[Author], Service], tmp_path: Path
) -> None:
    author = Author(failures=9, error=Reject)
    async with await crashed_at(DLQ, kind(author), tmp_path) as harness:
        assert author.attempts == [0]
        assert len(harness.dead_letters) == 1
        assert state(harness) is State.DEAD


async def refused(service: Service) -> Harness:
    """Run the service on a ledger that refuses its first settle, until it has nothing more to do."""
    harness = Harness(service)
    harness.ledger = Refusing(clock=harness.clock)
    async with asyncio.timeout(20), harness:
        harness.broker.append(record(harness))
        await harness.settle()
        await harness.advance(timedelta(seconds=1))
        return harness


async def test_after_a_refused_done_the_delivery_is_claimed_again_before_it_is_committed() -> None:
    author = Author()
    harness = await refused(plain(author))
    assert author.attempts == [0, 0]
    assert state(harness) is State.DONE
    assert harness.broker.committed["steps", "orders"] == 1


async def test_after_a_refused_retry_no_retry_record_is_written_until_the_ledger_agrees() -> None:
    author = Author(failures=2)
    harness = await refused(plain(author))
    assert author.attempts == [0, 0, 1]
    assert len(harness.retries) == 1


async def test_after_a_refused_dead_no_dead_letter_is_written_until_the_ledger_agrees() -> None:
    author = Author(failures=9, error=Reject)
    harness = await refused(plain(author))
    assert author.attempts == [0, 0]
    assert len(harness.dead_letters) == 1


async def test_copies_of_an_event_in_one_batch_and_in_another_are_handled_once() -> None:
    author = Author()
    async with asyncio.timeout(20), Harness(plain(author)) as harness:
        copy = record(harness)
        harness.broker.append(copy)
        harness.broker.append(copy)
        await harness.settle()
        await harness.deliver_record(copy)
        assert author.attempts == [0]
        assert harness.broker.committed["steps", "orders"] == 3


async def test_what_was_given_up_is_not_handled_by_whoever_had_it_too_when_the_ledger_forgot() -> None:
    author = Author(failures=1, error=Reject)
    async with asyncio.timeout(20), Harness(stored(author)) as harness:
        sent = await harness.deliver_record(record(harness))
        assert len(harness.dead_letters) == 1
        harness.ledger.wipe()
        await harness.redeliver(sent)
        assert harness.events(StockReleased) == []


async def test_what_is_in_flight_when_the_ledger_is_wiped_is_abandoned_and_fetched_again() -> None:
    told = asyncio.Event()
    runs: Counter[str] = Counter()
    abandoned: list[str] = []
    service = Service("steps")

    async def release(cancelled: OrderCancelled) -> None:
        order = cancelled.order_id
        runs[order] += 1
        if (order, runs[order]) == ("o-1", 1):
            harness.ledger.wipe()
            harness.broker.append(record(harness, "e-2", "o-2"))
            try:
                await told.wait()
            except asyncio.CancelledError:
                abandoned.append(order)
                raise
        told.set()

    service.on(OrderCancelled)(release)
    async with asyncio.timeout(20), Harness(service) as harness:
        await harness.deliver_record(record(harness))
        assert abandoned == ["o-1"]
        assert runs == {"o-1": 2, "o-2": 1}
        assert harness.broker.committed["steps", "orders"] == 2

"""A lost event leaves its flow stuck, and it is told; an outage or a backlog does not.

A real Kafka, a real database and real committed offsets. The console's observer and the service that hears are played
by hand: what they have read is what the test commits in their name, so that a record can be lost, or left, at will.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer, TopicPartition
from farandole import Store, SystemClock
from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.expectation import Expectation
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic
from farandole.metrics import Metrics
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.promises.declared import Declared
from farandole_console.promises.lookout import Lookout
from farandole_console.promises.promises import Promises
from farandole_console.seen import Seen
from farandole_console.sighting import Sighting
from farandole_console.tables import metadata

pytestmark = [pytest.mark.mesh, pytest.mark.timeout(420)]
WITHIN = timedelta(seconds=3)
OUTAGE = float(os.environ.get("FARANDOLE_OUTAGE", "300"))
AT = Partition(topic="orders", number=0)
EXPECTED = Expectation(
    service="orders", first="orders.Placed", then=("orders.Completed",), within=WITHIN, place="service.py:1"
)
DECLARED = Declared(
    expectations={EXPECTED.key: EXPECTED},
    leading={EXPECTED.key: frozenset({("hearer", "orders.Placed")})},
    private={"hearer": ()},
    topics=frozenset({"orders"}),
)


class Desk:
    """A console without a process, and the hand that commits for a service."""

    def __init__(self, backend, store: Store, told) -> None:
        self.backend = backend
        connection = Connection(bootstrap=backend.bootstrap, client_id="test")
        self.publisher = KafkaPublisher(connection)
        self.connection = connection
        self.log = LogReader(connection)
        declarations = Declarations()
        declarations.expected = DECLARED
        promises = Promises(store, declarations, Metrics("console"))
        self.promises, self._index = promises, Index(store, promises)
        self.lookout = Lookout(
            promises, declarations, lambda: LogReader(connection), group="console.observer", clock=SystemClock()
        )
        self._told = told
        self._indexed = 0

    async def happens(self, *names: str, kind: str = "Placed") -> None:
        await self.publisher.publish(
            [self._told(f"{kind}-{name}", f"orders.{kind}", flow=name, subject=name) for name in names]
        )

    async def index(self) -> None:
        """Index what there is, and commit it, as the observer does."""
        end = (await asyncio.to_thread(self.log.ends, [AT]))[AT]
        if end > self._indexed:
            spans = {AT: Span(start=self._indexed, end=end)}
            for batch in await asyncio.to_thread(lambda: list(self.log.records(spans))):
                await self._index.add(Seen(sightings=[_sighting(record) for record in batch]))
            self._indexed = end
            await self.commit("console.observer", end)

    async def hears(self) -> None:
        """Have the service commit past all that there is, whatever it did with it."""
        await self.commit("hearer", (await asyncio.to_thread(self.log.ends, [AT]))[AT])

    async def commit(self, group: str, offset: int) -> None:
        def commit() -> None:
            consumer = Consumer({"bootstrap.servers": self.backend.bootstrap, "group.id": group})
            consumer.commit(offsets=[TopicPartition("orders", 0, offset)], asynchronous=False)
            consumer.close()

        await asyncio.to_thread(commit)

    async def look(self) -> set[str]:
        await self.index()
        await self.lookout.look()
        return {one["flow"] for one in await self.promises.stuck(limit=1_000)}

    async def stuck_within(self, flow: str, *, seconds: float) -> datetime:
        deadline = time.monotonic() + seconds
        while flow not in await self.look():
            assert time.monotonic() < deadline, f"{flow} was not found in time"
            await asyncio.sleep(0.5)
        return datetime.now(UTC)


def _sighting(record) -> Sighting:
    headers = {name: value.decode() for name, value in record.headers}
    return Sighting(
        source=headers["ce_source"],
        event_id=headers["ce_id"],
        type=headers["ce_type"],
        subject=headers["ce_subject"],
        flow_id=headers["ce_correlationid"],
        causation_id=None,
        causes="",
        time=headers["ce_time"],
        appended=record.appended,
        topic=record.coordinates.topic,
        partition=record.coordinates.partition,
        offset=record.coordinates.offset,
        digest=1,
    )


@pytest.fixture
async def desk(own_backend, tmp_path, told) -> AsyncIterator[Desk]:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [domain_topic("orders", partitions=1)])
    store = Store(f"sqlite:///{tmp_path / 'c.db'}", metadata=(metadata,), service="console", clock=SystemClock())
    await store.open()
    desk = Desk(own_backend, store, told)
    yield desk
    await desk.lookout.close()
    await desk.publisher.close()
    await store.close()


async def test_what_is_lost_is_found_and_neither_a_backlog_nor_an_outage_is_told(desk):
    await desk.happens("warm-up")
    await desk.happens("warm-up", kind="Completed")
    await desk.hears()
    assert await desk.look() == set()

    # One is lost: its hearer commits past it and nothing follows. One is answered. One waits in a backlog.
    began = datetime.now(UTC)
    await desk.happens("lost", "kept")
    await desk.hears()
    await desk.happens("kept", kind="Completed")
    await desk.happens("backlog")
    found = await desk.stuck_within("lost", seconds=20)
    assert found - began < WITHIN + timedelta(seconds=10)
    assert await desk.look() == {"lost"}, "a backlog is not a stuck flow"
    end_of_backlog = time.monotonic() + WITHIN.total_seconds()
    while time.monotonic() < end_of_backlog:
        assert await desk.look() == {"lost"}
        await asyncio.sleep(0.5)

    # What was expected happens all the same: the alarm ends.
    await desk.happens("lost", "backlog", kind="Completed")
    assert await desk.look() == set()


@pytest.mark.skipif(os.environ.get("FARANDOLE_LONG") != "1", reason="the brokers are away for minutes")
async def test_while_brokers_are_away_nobody_is_told_of_and_what_is_lost_then_is_found(desk):
    assert await desk.look() == set()
    # The brokers are away for longer than the promise has time; nobody is told of, and what is lost then is found.
    await desk.happens("through", "gone")
    await desk.look()
    await desk.backend.broker.kill()
    await asyncio.sleep(OUTAGE)
    with pytest.raises(BrokerUnavailableError):
        await desk.lookout.look()
    await desk.backend.broker.start()
    desk.log = LogReader(desk.connection)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert await desk.look() == set(), "an outage is not a stuck flow"
        await asyncio.sleep(0.5)
    await desk.hears()
    await desk.happens("through", kind="Completed")
    await desk.stuck_within("gone", seconds=40)
    assert await desk.look() == {"gone"}


async def test_an_answer_that_is_indexed_first_keeps_the_promise(desk):
    await desk.happens("early", kind="Completed")
    await desk.look()
    await desk.happens("early")
    await desk.hears()
    until = time.monotonic() + WITHIN.total_seconds() + 2
    while time.monotonic() < until:
        assert await desk.look() == set()
        await asyncio.sleep(0.5)

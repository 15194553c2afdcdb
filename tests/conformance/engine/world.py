"""World: what a conformance test may do, in memory and on a real Kafka and Redis alike."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from farandole.breaker import RedisBreakers
from farandole.clock import SystemClock
from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Message, Publisher
from farandole.engine.runtime import Ports, Runtime, heard_topics, private_topics_of, schemas_of
from farandole.envelope import Envelope, rfc3339
from farandole.event import Event
from farandole.headers import Headers
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.source import KafkaSource
from farandole.kafka.topics import Topic, create, domain_topic, private_topics
from farandole.ledger import Claim, Ledger, RedisLedger, Settle
from farandole.metrics import Metrics, Totals
from farandole.service import Service
from farandole.settings import Settings
from farandole.store import Store
from farandole.testing import Harness
from farandole.testing.backend import Backend

WITHIN = 20.0
UNKNOWN = -1
Step = Literal["publish", "settle"]
STRANGE = {"compression.type": "gzip", "message.max.bytes": 50_000_000, "linger.ms": 0}
"""Of a producer that compresses well, so that a topic takes records of any size from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A record as an outsider reads it."""

    headers: Mapping[str, str]
    pairs: Headers
    key: bytes | None
    value: bytes | None


class World(Protocol):
    """A service that runs somewhere, and what can be done to it and seen of it."""

    service: Service

    async def start(self) -> None:
        """Run the service."""

    async def crash(self) -> None:
        """End the service as kill -9 would; what is durable stays."""

    async def send(self, *messages: Message) -> None:
        """Append records to topics."""

    async def send_as_a_stranger(self, *messages: Message) -> None:
        """Append records that no publisher of ours would: of any size, with headers that are null."""

    async def soon(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until the condition holds; fails after so many seconds. No clock is moved."""

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until the condition holds, and then until the service is idle; fails after a while."""

    async def passing(self, condition: Callable[[], bool]) -> None:
        """Let time pass until the condition holds, however busy the service still is; fails after a while."""

    def totals(self) -> Totals:
        """What the service counted since it started."""

    def read(self, topic: str) -> list[Seen]:
        """Read a whole topic."""

    def lag(self) -> int:
        """How many records the service has not committed; negative while that cannot be told."""

    async def forget(self) -> None:
        """Make the ledger forget everything."""

    def stuck_at(self, step: Step) -> asyncio.Event:
        """Let the service come as far as its next such step and no further until it crashes; set when it is there."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the service's database."""


def message(event: Event, *, event_id: str | None = None, flow: str | None = None, source: str = "test") -> Message:
    """Write an event as a foreign producer would; each gets an id of its own unless one is given."""
    from farandole.codec import Codec
    from farandole.schema import Catalogue

    event_id = event_id or str(uuid.uuid4())
    envelope = Envelope(
        id=event_id,
        type=event.avro.fullname,
        source=source,
        subject=event.key,
        time=rfc3339(SystemClock().now()),
        correlation_id=flow or event_id,
    )
    value = Codec(Catalogue([event.avro])).encode(event)
    return Message(topic=event.avro.topic, key=event.key.encode(), value=value, headers=envelope.headers())


def lenient(topic: Topic) -> Topic:
    """Return a topic as others make it: it takes records of any size, if only they compress well."""
    return replace(topic, config={**topic.config, "compression.type": "producer"})


def stick(thing: Publisher | Ledger) -> asyncio.Event:
    """Have a publisher, or a ledger that is told of what is settled, never answer."""
    reached = asyncio.Event()
    exchange = getattr(thing, "exchange", None)

    async def publish(_: Sequence[Message]) -> None:
        reached.set()
        await asyncio.Event().wait()

    async def settle(epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Any:
        if settles:
            await publish(())
        assert exchange is not None
        return await exchange(epoch, settles, claims)

    if exchange is None:
        vars(thing)["publish"] = publish
    else:
        vars(thing)["exchange"] = settle
    return reached


def asked_of(url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=WITHIN)) as connection:
        return connection.execute(query).fetchall()


class MemoryWorld:
    """The harness."""

    def __init__(self, service: Service, folder: Path, *, within: float = WITHIN) -> None:
        self.service = service
        self._within = within
        self._url = f"sqlite:///{folder / 'memory.db'}"
        self._stack = AsyncExitStack()
        self._harness = Harness(service, database_url=self._url)

    async def start(self) -> None:
        before = self._harness
        self._harness = Harness(self.service, database_url=self._url, clock=before.clock)
        vars(before.broker).pop("publish", None)
        vars(before.ledger).pop("exchange", None)
        self._harness.broker, self._harness.ledger = before.broker, before.ledger
        self._harness.breakers = before.breakers
        await self._harness.__aenter__()

    async def crash(self) -> None:
        await self._harness.__aexit__(None, None, None)

    async def send(self, *messages: Message) -> None:
        for one in messages:
            self._harness.broker.append(one)
        await asyncio.sleep(0)

    async def send_as_a_stranger(self, *messages: Message) -> None:
        await self.send(*messages)

    async def soon(self, condition: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await self._harness.settle()
            while not condition():  # noqa: ASYNC110 - a condition, whatever makes it true
                await asyncio.sleep(0.001)

    def totals(self) -> Totals:
        return self._harness.runtime.metrics.totals()

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._within
        await self._harness.settle()
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            await self._harness.advance(timedelta(seconds=1))
        await self._harness.settle()

    async def passing(self, condition: Callable[[], bool]) -> None:
        await self.until(condition)

    def read(self, topic: str) -> list[Seen]:
        return [_seen(record) for record in self._harness.broker.topics[topic]]

    def lag(self) -> int:
        broker, name = self._harness.broker, self.service.name
        return sum(len(broker.topics[t]) - broker.committed.get((name, t), 0) for t in heard_topics(self.service))

    async def forget(self) -> None:
        self._harness.ledger.wipe()

    def stuck_at(self, step: Step) -> asyncio.Event:
        return stick(self._harness.broker if step == "publish" else self._harness.ledger)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return asked_of(self._url, query)


class RealWorld:
    """A real Kafka, a real Redis, a real SQLite file; the service runs in the test's own process."""

    def __init__(self, service: Service, folder: Path, backend: Backend, events: Sequence[type[Event]]) -> None:
        self.service = service
        self._backend = backend
        self._url = f"sqlite:///{folder / 'real.db'}"
        self._events = events
        self._connection = Connection(bootstrap=backend.bootstrap, client_id=service.name)
        self._outside: KafkaPublisher | None = None
        self._stranger = Producer(self._connection.properties() | STRANGE)
        self._running: asyncio.Task[None] | None = None
        self._created = False

    async def start(self) -> None:
        if not self._created:
            domain = sorted({event.avro.topic for event in self._events})
            await create(
                self._connection,
                [lenient(domain_topic(name, partitions=2)) for name in domain]
                + private_topics(private_topics_of(self.service), partitions=1),
            )
            self._created = True
            self._outside = KafkaPublisher(self._connection)
        self._stack = AsyncExitStack()
        self._publisher = KafkaPublisher(self._connection)
        self._ledger = self._new_ledger()
        self._breakers = RedisBreakers(self._backend.redis_url, cluster=self._backend.cluster_id)
        ports = Ports(
            worker_source=KafkaSource(
                self._connection,
                group=self.service.name,
                topics=heard_topics(self.service),
                metrics=Metrics(self.service.name),
            )
            if self.service.handlers
            else None,
            observer_source=None,
            publisher=self._publisher,
            ledger=self._ledger,
            store=self._store(),
            clock=SystemClock(),
            schemas=schemas_of(self.service, []),
            breakers=self._breakers,
        )
        runtime = Runtime(self.service, ports, cluster=self._backend.cluster_id, settings=Settings(), random=Random(0))
        self.runtime = await self._stack.enter_async_context(runtime)
        self._running = asyncio.create_task(self.runtime.run())

    def _store(self) -> Store | None:
        if self.service.tables is None:
            return None
        return Store(self._url, metadata=(self.service.tables,), service=self.service.name)

    def _new_ledger(self) -> RedisLedger:
        return RedisLedger(self._backend.redis_url, cluster=self._backend.cluster_id, service=self.service.name)

    async def crash(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])
        await self._stack.aclose()
        await self._ledger.close()
        await self._breakers.close()
        await self._publisher.close()

    async def send(self, *messages: Message) -> None:
        assert self._outside is not None
        await self._outside.publish(messages)

    async def send_as_a_stranger(self, *messages: Message) -> None:
        for one in messages:
            self._stranger.produce(one.topic, key=one.key, value=one.value, headers=list(one.headers))
        assert await asyncio.to_thread(self._stranger.flush, WITHIN) == 0

    async def soon(self, condition: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - a condition, whatever makes it true
                await asyncio.sleep(0.001)

    def totals(self) -> Totals:
        return self.runtime.metrics.totals()

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN
        while not (await asyncio.to_thread(condition) and await asyncio.to_thread(self.lag) == 0):
            assert self._running is not None
            if self._running.done():
                self._running.result()
            assert time.monotonic() < deadline, f"the condition never came true; lag {self.lag()}"
            await asyncio.sleep(0.02)

    async def passing(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not condition():  # noqa: ASYNC110 - a condition, whatever makes it true
                await asyncio.sleep(0.02)

    def read(self, topic: str) -> list[Seen]:
        consumer = self._reader()
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            ends = {n: _end(consumer, TopicPartition(topic, n)) for n in partitions}
            consumer.assign([TopicPartition(topic, n, 0) for n in partitions])
            wanted, found = sum(ends.values()), []
            while len(found) < wanted:
                one = consumer.poll(1.0)
                found += [one] if one is not None and one.error() is None else []
            return [
                _as_seen(tuple(m.headers() or ()), m.key(), m.value())
                for m in sorted(found, key=lambda m: (m.timestamp()[1], m.offset()))
            ]
        finally:
            consumer.close()

    def lag(self) -> int:
        consumer = self._reader(self.service.name)
        try:
            return sum(_lag(consumer, topic) for topic in heard_topics(self.service))
        except KafkaException:
            return UNKNOWN  # the group's coordinator is just moving; the next look will tell
        finally:
            consumer.close()

    async def forget(self) -> None:
        from redis.asyncio import Redis

        client = Redis.from_url(self._backend.redis_url)
        keys = [key async for key in client.scan_iter(f"farandole:*:{self.service.name}*")]
        if keys:
            await client.delete(*keys)
        await client.aclose()

    def stuck_at(self, step: Step) -> asyncio.Event:
        return stick(self._publisher if step == "publish" else self._ledger)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return asked_of(self._url, query)

    def _reader(self, group: str = "outsider") -> Consumer:
        return Consumer({"bootstrap.servers": self._backend.bootstrap, "group.id": group, "enable.auto.commit": False})

    async def close(self) -> None:
        if self._outside is not None:
            await self._outside.close()


def _lag(consumer: Consumer, topic: str) -> int:
    total = 0
    for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        one = TopicPartition(topic, number)
        _, end = consumer.get_watermark_offsets(one, timeout=10)
        total += end - max(0, consumer.committed([one], timeout=10)[0].offset)
    return total


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Return a partition's end; a topic that was just created may not have told everybody yet who leads it."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _seen(record: Record) -> Seen:
    return _as_seen(record.headers, record.key, record.value)


def _as_seen(pairs: Headers, key: bytes | None, value: bytes | None) -> Seen:
    return Seen(headers={n: v.decode("utf-8", "replace") for n, v in pairs}, pairs=pairs, key=key, value=value)


def origin_of(seen: Seen) -> Coordinates:
    """Read the coordinates that a private record tells of."""
    topic, partition, offset = seen.headers["farandole_origin"].rsplit("|", 2)
    return Coordinates(topic=topic, partition=int(partition), offset=int(offset))


Provide = Mapping[Any, Any]

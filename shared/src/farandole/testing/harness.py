"""Harness: a service in memory, run by the real engine, with a clock that you advance.

The broker and the ledger are in memory, the database is a real SQLite one. The conformance suite runs on the harness
and on real Kafka and Redis alike, so the fakes cannot drift.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx2

from farandole import catalogues
from farandole import headers as names
from farandole.breaker import MemoryBreakers
from farandole.dead_letters import operation_headers, written
from farandole.delivery import Record, Replay
from farandole.engine.observing import observed_topics
from farandole.engine.ports import Message
from farandole.engine.runtime import Ports, Runtime, heard_topics, schemas_of
from farandole.envelope import Envelope, rfc3339
from farandole.event import Event
from farandole.http.app import create_app
from farandole.ledger import MemoryLedger
from farandole.runner import status_of
from farandole.schema import SchemaSource
from farandole.service import Service
from farandole.settings import Settings
from farandole.store import Store
from farandole.testing.clock import ManualClock
from farandole.testing.memory_broker import MemoryBroker, MemorySource

E = TypeVar("E", bound=Event)

SETTLES_WITHIN: Final = 30.0
CLUSTER: Final = "harness"


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """An event that the service published: its envelope and the event itself."""

    envelope: Envelope
    event: Event


class Harness:
    """Runs one service in memory. Use it as an async context manager.

    ``provide`` gives handlers their dependencies, instead of the service's own providers; ``schemas`` is asked for the
    schemas of records, instead of those that are installed. Nothing moves by itself but what `deliver` and `advance`
    set in motion; both return when the service is idle.
    """

    def __init__(
        self,
        service: Service,
        *,
        provide: Mapping[Any, Any] | None = None,
        clock: ManualClock | None = None,
        database_url: str = "sqlite://",
        seed: int = 0,
        settings: Settings | None = None,
        schemas: SchemaSource | None = None,
    ) -> None:
        self.service = service
        self.clock = clock or ManualClock()
        self.broker = MemoryBroker(self.clock)
        self.ledger = MemoryLedger(clock=self.clock)
        self.breakers = MemoryBreakers(self.clock)
        self.store = self._store(database_url)
        self._provide = provide
        self._seed = seed
        self._settings = settings or Settings()
        self._schemas = schemas_of(service, catalogues.discover())
        self._source = schemas or self._schemas
        self._stack = AsyncExitStack()
        self._worker_source: MemorySource | None = None
        self._observer_source: MemorySource | None = None
        self._running: asyncio.Task[None] | None = None

    def _store(self, url: str) -> Store | None:
        if self.service.tables is None:
            return None
        return Store(url, metadata=(self.service.tables,), service=self.service.name, clock=self.clock)

    async def __aenter__(self) -> Self:
        service = self.service
        if service.handlers:
            self._worker_source = self.broker.source(service.name, heard_topics(service))
        if service.observers:
            observed = observed_topics(self._schemas.topics, service.observers)
            self._observer_source = self.broker.source(f"{service.name}.observer", observed)
        ports = Ports(
            worker_source=self._worker_source,
            observer_source=self._observer_source,
            publisher=self.broker,
            ledger=self.ledger,
            store=self.store,
            clock=self.clock,
            schemas=self._source,
            breakers=self.breakers,
        )
        self.runtime = Runtime(
            service,
            ports,
            cluster=CLUSTER,
            settings=self._settings,
            random=Random(self._seed),
            provide=self._provide,
        )
        await self._stack.enter_async_context(self.runtime)
        app = create_app(
            status=lambda: status_of(service, self.runtime, groups={}),
            registry=self.runtime.metrics.registry,
            own=self.runtime.http,
        )
        self.http = await self._stack.enter_async_context(
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")
        )
        self._running = asyncio.create_task(self.runtime.run())
        await self.settle()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])
        await self._stack.aclose()

    async def deliver(
        self, *events: Event, event_id: str | None = None, flow: str | None = None, source: str = "test"
    ) -> Sequence[Record]:
        """Append events to their topics and wait until the service is idle; return the records.

        Each gets an id of its own, unless an ``event_id`` is given; deliver the same id twice for a duplicate.
        """
        records = [self._append(event, event_id or str(uuid.uuid4()), flow, source) for event in events]
        await self.settle()
        return records

    async def deliver_record(self, message: Message) -> Record:
        """Append a record as it is, good or bad, and wait until the service is idle."""
        record = self.broker.append(message)
        await self.settle()
        return record

    async def redeliver(self, record: Record) -> None:
        """Append the same record once more, as a producer's retry would, and wait until the service is idle."""
        await self.deliver_record(
            Message(topic=record.coordinates.topic, key=record.key, value=record.value, headers=record.headers)
        )

    async def replay(self, record: Record, replay: Replay) -> Record:
        """Send a record again as a replay ``again`` does, and wait until the service is idle; return what was sent."""
        own = (*operation_headers(replay.id, replay), (names.ORIGIN, written(record.coordinates).encode()))
        foreign = tuple((name, value) for name, value in record.headers if not name.startswith(names.PRIVATE_PREFIX))
        topic = self.runtime.topics.redelivery
        return await self.deliver_record(
            Message(topic=topic, key=record.key, value=record.value, headers=(*foreign, *own))
        )

    async def advance(self, duration: timedelta) -> None:
        """Advance the clock, stopping wherever something becomes due, and wait each time until the service is idle."""
        end = self.clock.now() + duration
        while (wake := self.clock.next_wake) is not None and wake <= end:
            self.clock.move_to(wake)
            await self.settle()
        self.clock.move_to(end)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the service is idle: nothing to fetch, nothing in flight that does not wait for the clock."""
        async with asyncio.timeout(SETTLES_WITHIN):
            quiet = 0
            while quiet < 3:
                self._raise_if_ended()
                await asyncio.sleep(0 if quiet else 0.001)
                quiet = quiet + 1 if self._idle() else 0

    @property
    def published(self) -> list[Published]:
        """Everything that the service published to domain topics, in order per topic."""
        found = []
        for topic in self._schemas.topics:
            for record in self.broker.topics[topic]:
                envelope = self._envelope(record)
                if envelope.source == self.service.name:
                    found.append(Published(envelope=envelope, event=self._decode(record, envelope)))
        return found

    def events(self, event: type[E]) -> list[E]:
        """Return the events of one type that the service published, in order."""
        return [one.event for one in self.published if isinstance(one.event, event)]

    @property
    def dead_letters(self) -> list[Record]:
        """The service's dead letters, in order."""
        return self.broker.topics[self.runtime.topics.dead_letters]

    @property
    def retries(self) -> list[Record]:
        """Every record that the service wrote to its retry tiers."""
        topics = self.runtime.topics
        return [r for tier in range(1, topics.tiers + 1) for r in self.broker.topics[topics.retry(tier)]]

    def _append(self, event: Event, event_id: str, flow: str | None, source: str) -> Record:
        envelope = Envelope(
            id=event_id,
            type=event.avro.fullname,
            source=source,
            subject=event.key,
            time=rfc3339(self.clock.now()),
            correlation_id=flow or event_id,
        )
        value = self.runtime.codec.encode(event)
        return self.broker.append(
            Message(topic=event.avro.topic, key=event.key.encode(), value=value, headers=envelope.headers())
        )

    def _envelope(self, record: Record) -> Envelope:
        nothing = Envelope(id="", type="", source="", subject="", time="", correlation_id="")
        return Envelope.parse(record.headers, fallback=nothing)

    def _decode(self, record: Record, envelope: Envelope) -> Event:
        assert record.value is not None
        return self.runtime.codec.decode(record.value, self._class_of(envelope.type))

    def _class_of(self, event_type: str) -> type[Event]:
        return {known.avro.fullname: known for known in _all_events(Event) if "avro" in vars(known)}[event_type]

    def _idle(self) -> bool:
        runtime, worker, observing = self.runtime, self.runtime.worker, self.runtime.observing
        if worker is not None and self._worker_source is not None and (worker.busy or self._worker_source.lag):
            return False
        if (
            observing is not None
            and self._observer_source is not None
            and (observing.busy or self._observer_source.lag)
        ):
            return False
        if runtime.gate is not None and not runtime.gate.resting:
            return False
        if any(timer.running for timer in runtime.timers):
            return False
        return runtime.relay is None or runtime.relay.idle or self.broker.unavailable

    def _raise_if_ended(self) -> None:
        if self._running is not None and self._running.done():
            self._running.result()


def _all_events(base: type[Event]) -> list[type[Event]]:
    return [found for sub in base.__subclasses__() for found in (sub, *_all_events(sub))]

"""Hosting: a generation of a read model that consumes with the library's observers: a store, a group, a runtime."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from farandole.breaker import RedisBreakers
from farandole.clock import Clock, SystemClock
from farandole.engine.observing import observed_topics
from farandole.engine.runtime import Ports, Runtime
from farandole.generations.distance import Logs
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.source import KafkaSource
from farandole.kafka.topics import cluster_id
from farandole.ledger import RedisLedger
from farandole.metrics import Metrics
from farandole.read_model import Opening, Position
from farandole.schema import SchemaSource
from farandole.service import Service
from farandole.settings import Settings
from farandole.store import Store
from farandole.wire_schemas import catalogue_of, source_of


def group_of(service: Service) -> str:
    """Return the consumer group of the first generation of a read model."""
    named = service.read_model.group if service.read_model is not None else ""
    return named or f"{service.name}.observer"


class RuntimeHosted:
    """A generation as a runtime. See Hosted."""

    def __init__(self, runtime: Runtime, *, source: KafkaSource, opening: Opening, logs: Logs) -> None:
        self.runtime = runtime
        self.source = source
        self._drain = opening.settings.drain
        self._logs = logs
        self._opened = asyncio.Event()
        self._rested = asyncio.Event()
        self._closing = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    @property
    def app(self) -> Any:
        """See Hosted."""
        return self.runtime.http

    async def opened(self) -> None:
        """Return when it follows the topics. Raises StartError where the service does not fit together."""
        waiting = asyncio.ensure_future(self._opened.wait())
        await asyncio.wait({waiting, self._running}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._running.done():
            self._running.result()

    async def whole(self) -> None:
        """See Hosted."""

    async def position(self) -> Position:
        """See Hosted."""
        return await self._logs.committed(self.source.group)

    async def rest(self) -> None:
        """See Hosted."""
        self.runtime.stop(self._drain)
        await self._rested.wait()

    async def ended(self) -> None:
        """See Hosted."""
        await asyncio.shield(self._running)

    async def close(self) -> None:
        """See Hosted."""
        self._closing.set()
        if not self._rested.is_set() and self._opened.is_set():
            self.runtime.stop(self._drain)
        elif not self._opened.is_set():
            self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def _run(self) -> None:
        async with self.runtime:
            self._opened.set()
            try:
                await self.runtime.run()
            finally:
                self._rested.set()
            await self._closing.wait()


class Hosting:
    """Opens generations of one service, in one process."""

    def __init__(
        self,
        service: Service,
        *,
        connection: Connection,
        schemas: SchemaSource,
        topics: Sequence[str],
        cluster: str,
        clock: Clock,
        publisher: KafkaPublisher,
        ledger: RedisLedger,
        breakers: RedisBreakers,
        metrics: Metrics,
    ) -> None:
        self._service = service
        self._connection = connection
        self._schemas = schemas
        self.topics = tuple(topics)
        self._cluster = cluster
        self.clock = clock
        self.publisher = publisher
        self._ledger = ledger
        self._breakers = breakers
        self.metrics = metrics
        self.logs = Logs(connection, topics)

    async def open(self, opening: Opening) -> RuntimeHosted:
        """Open a generation, and return once it follows the topics. See `Runtime` for what it raises."""
        settings = opening.settings
        source = KafkaSource(
            self._connection,
            group=opening.generation.named(group_of(self._service)),
            topics=self.topics,
            metrics=self.metrics,
            # A builder is no replica: under a replica's name it would put that one out of the group.
            instance="" if opening.built else settings.instance,
            session=settings.session,
        )
        ports = Ports(
            worker_source=None,
            observer_source=source,
            publisher=self.publisher,
            ledger=self._ledger,
            store=self._store(opening),
            clock=self.clock,
            schemas=self._schemas,
            breakers=self._breakers,
        )
        runtime = Runtime(
            self._service,
            ports,
            cluster=self._cluster,
            settings=settings,
            metrics=self.metrics,
            only_observes=opening.built,
        )
        hosted = RuntimeHosted(runtime, source=source, opening=opening, logs=self.logs)
        try:
            await hosted.opened()
        except BaseException:
            await hosted.close()
            raise
        return hosted

    def _store(self, opening: Opening) -> Store | None:
        if self._service.tables is None:
            return None
        return Store(
            opening.settings.database_url.get_secret_value(),
            metadata=(self._service.tables,),
            service=self._service.name,
            clock=self.clock,
            generation=opening.generation,
        )


@asynccontextmanager
async def hosting_of(
    service: Service, settings: Settings, connection: Connection, *, cluster: str = ""
) -> AsyncGenerator[Hosting]:
    """Give what opens a service's generations. Raises StartError; BrokerUnavailableError where it has to ask them."""
    model = service.read_model
    assert model is not None
    clock = SystemClock()
    catalogue = catalogue_of(service, settings)
    cluster = cluster or settings.cluster or await cluster_id(connection)
    redis_url = settings.redis_url.get_secret_value()
    async with source_of(catalogue, settings, clock) as schemas, AsyncExitStack() as ends:
        publisher = KafkaPublisher(connection)
        ends.push_async_callback(publisher.close)
        # Observers need neither of them: what is never asked never connects.
        ledger = RedisLedger(redis_url, cluster=cluster, service=service.name, window=settings.ledger_window)
        ends.push_async_callback(ledger.close)
        breakers = RedisBreakers(redis_url, cluster=cluster)
        ends.push_async_callback(breakers.close)
        yield Hosting(
            service,
            connection=connection,
            schemas=schemas,
            topics=model.topics or observed_topics(catalogue.topics, service.observers),
            cluster=cluster,
            clock=clock,
            publisher=publisher,
            ledger=ledger,
            breakers=breakers,
            metrics=Metrics(service.name),
        )

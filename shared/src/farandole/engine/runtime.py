"""Runtime: one service put together from its ports and run: worker, observers, timers and relay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import structlog

from farandole.breaker import Breakers
from farandole.clock import Clock
from farandole.codec import Codec
from farandole.delivery import Delivery
from farandole.engine.attempt import Attempt
from farandole.engine.doors import doors_of
from farandole.engine.encoder import Encoder
from farandole.engine.gate import Gate
from farandole.engine.intake import Intake
from farandole.engine.observing import Observing
from farandole.engine.ports import Publisher, Source
from farandole.engine.private_records import PrivateRecords
from farandole.engine.processor import Processor
from farandole.engine.relay import Relay
from farandole.engine.session import LedgerSession
from farandole.engine.telling import Hears, Telling
from farandole.engine.thrown import is_ending
from farandole.engine.timers import TimerRun
from farandole.engine.watch import Watch
from farandole.engine.worker import MOST_IN_FLIGHT, Worker
from farandole.errors import StoreUnavailableError
from farandole.ledger import Ledger
from farandole.metrics import Metrics
from farandole.outbox import Outbox
from farandole.private_topics import PrivateTopics
from farandole.providers import Resolver
from farandole.schema import Catalogue, SchemaSource
from farandole.service import Service
from farandole.settings import Settings
from farandole.store import Store, UnitOfWork

log = structlog.get_logger(__name__)

PER_DELIVERY: Final = frozenset((Delivery, UnitOfWork))
AGAIN: Final = timedelta(milliseconds=500)
LAST_PUBLICATION: Final = timedelta(seconds=2)
"""What the relay gets for what waits in the outbox, also where the grace is used up."""
PRUNE_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """What a service stands on. ``worker_source`` is needed by handlers, ``observer_source`` by observers.

    ``outcomes`` is told of deliveries that leave no record behind; nobody is where there is none.
    """

    worker_source: Source | None
    observer_source: Source | None
    publisher: Publisher
    ledger: Ledger
    store: Store | None
    clock: Clock
    schemas: SchemaSource
    breakers: Breakers
    outcomes: Hears | None = None


async def _nothing() -> None:
    """End nothing."""


class Runtime:
    """A service with everything that it is given. Use it as an async context manager, then `run` it.

    Raises StartError, on entering, where the service does not fit together.
    """

    def __init__(
        self,
        service: Service,
        ports: Ports,
        *,
        cluster: str,
        settings: Settings,
        random: Random | None = None,
        provide: Mapping[Any, Any] | None = None,
        metrics: Metrics | None = None,
        only_observes: bool = False,
    ) -> None:
        """Plan it; nothing runs yet. One that ``only_observes`` feeds the observers: no timers, no outbox, no HTTP."""
        self._service = service
        self._ports = ports
        self._cluster = cluster
        self._settings = settings
        self._random = random or Random()
        self._provide = dict(provide or {})
        self._only_observes = only_observes
        self._stack = AsyncExitStack()
        self.topics = private_topics_of(service)
        self.codec = Codec(ports.schemas)
        self.encoder = Encoder(service=service.name, codec=self.codec, clock=ports.clock)
        self.metrics = metrics or Metrics(service.name)
        self.watch = Watch(self.metrics)
        self.outcomes = Telling(service.name, ports.outcomes, clock=ports.clock)
        self.worker: Worker | None = None
        self.session: LedgerSession | None = None
        self.gate: Gate | None = None
        self.observing: Observing | None = None
        self.relay: Relay | None = None
        self.timers: list[TimerRun] = []
        self.http: Any = None
        self._stops_at = 0.0

    async def __aenter__(self) -> Self:
        given = self._given()
        self._service.check(frozenset(given))
        if self._ports.store is not None:
            await self._open(self._ports.store)
            self._stack.push_async_callback(self._ports.store.close)
        resolver = await self._stack.enter_async_context(self._service.providers.open(given))
        await self._assemble(resolver)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self, *, before_the_outbox_is_emptied: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Run everything until `stop`; then finish what is in flight and publish what waits.

        Args:
            before_the_outbox_is_emptied: awaited once nothing comes in from Kafka any more. Whatever else puts events
                into the outbox ends there: the requests of an HTTP server.
        """
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(timer.run()) for timer in self.timers]
            if self._ports.store is not None:
                background.append(tasks.create_task(self._prune(self._ports.store)))
            if self.gate is not None:
                background.append(tasks.create_task(self.gate.run()))
            if self.worker is not None and self._ports.outcomes is not None:
                background.append(tasks.create_task(self.outcomes.run()))
            relaying = tasks.create_task(self.relay.run()) if self.relay is not None else None
            loops = [loop.run() for loop in (self.worker, self.observing) if loop is not None]
            await asyncio.gather(*(tasks.create_task(loop) for loop in loops), self._stopped())
            for task in background:
                task.cancel()
            self.outcomes.end()
            await before_the_outbox_is_emptied()
            if relaying is not None:
                await self._empty_outbox(relaying)

    @property
    def publisher(self) -> Publisher:
        """Where its events go."""
        return self._ports.publisher

    def stop(self, grace: timedelta) -> None:
        """Fetch nothing more; `run` returns when what is in flight is finished, or soon after ``grace``."""
        self._stops_at = asyncio.get_running_loop().time() + grace.total_seconds()
        if self.worker is not None:
            self.worker.drain(grace)
        if self.observing is not None:
            self.observing.stop(grace)
        self._stop_asked.set()

    async def _empty_outbox(self, relaying: asyncio.Task[None]) -> None:
        assert self.relay is not None
        self.relay.finish()
        left = max(self._stops_at - asyncio.get_running_loop().time(), LAST_PUBLICATION.total_seconds())
        _, unfinished = await asyncio.wait({relaying}, timeout=left)
        if unfinished:
            log.warning("the outbox is not empty; its next start, or another replica, publishes the rest")
            relaying.cancel()

    async def _stopped(self) -> None:
        await self._stop_asked.wait()

    async def _open(self, store: Store) -> None:
        """Open the store, waiting while its database is away: a service that starts before it must not die of that."""
        while True:
            try:
                await store.open()
            except StoreUnavailableError as error:
                log.warning("waiting for the database", reason=error.what)
                await self._ports.clock.sleep(AGAIN)
            else:
                return

    def _given(self) -> dict[Any, Any]:
        given: dict[Any, Any] = {
            Clock: self._ports.clock,
            Codec: self.codec,
            Settings: self._settings,
            SchemaSource: self._ports.schemas,
            Metrics: self.metrics,
        }
        if self._ports.store is not None:
            given[Store] = self._ports.store
            given[Outbox] = Outbox(
                store=self._ports.store,
                encoder=self.encoder,
                clock=self._ports.clock,
                declared=self._service.for_the_outbox,
            )
            given[UnitOfWork] = None
        return given | self._provide

    async def _assemble(self, resolver: Resolver) -> None:
        self._stop_asked = asyncio.Event()
        service, ports = self._service, self._ports
        if ports.store is not None and not self._only_observes:
            self.relay = Relay(store=ports.store, publisher=ports.publisher)
            outbox: Outbox = await resolver.resolve(Outbox)
            for timer in service.timers:
                arguments = await resolver.arguments(timer.signature.parameters, skip=PER_DELIVERY)
                self.timers.append(
                    TimerRun(timer, arguments=arguments, store=ports.store, outbox=outbox, clock=ports.clock)
                )
        if ports.worker_source is not None:
            await self._assemble_worker(resolver, ports.worker_source)
        if ports.observer_source is not None:
            self.observing = Observing(
                service.observers,
                source=ports.observer_source,
                intake=self._intake(),
                arguments={
                    one.name: await resolver.arguments(one.injected, skip=frozenset()) for one in service.observers
                },
                clock=ports.clock,
            )
        if service.http_factory is not None and not self._only_observes:
            self.http = await resolver.call(service.http_factory)

    async def _assemble_worker(self, resolver: Resolver, source: Source) -> None:
        ports = self._ports
        arguments = {
            one.name: await resolver.arguments(one.injected, skip=PER_DELIVERY) for one in self._service.handlers
        }
        intake = self._intake()
        self.session = LedgerSession(ports.ledger, ports.clock, has_inbox=ports.store is not None)
        self.worker = Worker(
            source=source,
            session=self.session,
            intake=intake,
            clock=ports.clock,
            metrics=self.metrics,
            outcomes=self.outcomes,
            most_in_flight=self._settings.most_in_flight or MOST_IN_FLIGHT,
        )
        doors = doors_of(
            self._service.handlers,
            arguments=arguments,
            breakers=ports.breakers,
            clock=ports.clock,
            metrics=self.metrics,
            settings=self._settings,
        )
        self.gate = Gate(doors, source=source, hold=self.worker.hold, metrics=self.metrics, clock=ports.clock)
        worker = self.worker
        self.metrics.watch_held(lambda: worker.held)
        attempt = Attempt(
            codec=self.codec,
            encoder=self.encoder,
            store=ports.store,
            arguments=arguments,
            metrics=self.metrics,
            watch=self.watch,
        )
        self.worker.use(
            Processor(
                attempt=attempt,
                intake=intake,
                session=self.session,
                source=source,
                publisher=ports.publisher,
                store=ports.store,
                clock=ports.clock,
                records=PrivateRecords(topics=self.topics, version=self._settings.version),
                metrics=self.metrics,
                random=self._random,
                hold=self.worker.hold,
                gate=self.gate,
                outcomes=self.outcomes,
            )
        )

    def _intake(self) -> Intake:
        return Intake(
            service=self._service.name,
            cluster=self._cluster,
            handlers={one.event.avro.fullname: one for one in self._service.handlers},
            schemas=self._ports.schemas,
            topics=self.topics,
        )

    async def _prune(self, store: Store) -> None:
        while not is_ending():
            await self._ports.clock.sleep(PRUNE_EVERY)
            try:
                await store.prune(self._ports.clock.now() - self._settings.inbox_window)
            except StoreUnavailableError as error:
                log.warning("the inbox is pruned later", reason=error.what)


def private_topics_of(service: Service) -> PrivateTopics:
    """Return the private topics of a service: as many retry tiers as its handlers can reach."""
    tiers = max((handler.policy.tiers for handler in service.handlers), default=0)
    return PrivateTopics(service=service.name, tiers=tiers)


def heard_topics(service: Service) -> Sequence[str]:
    """Return the topics that a service's handlers are subscribed to: the events' own and the private ones."""
    domain = {handler.event.avro.topic for handler in service.handlers}
    return (*sorted(domain), *private_topics_of(service).heard)


def schemas_of(service: Service, discovered: Sequence[Catalogue]) -> Catalogue:
    """Return one catalogue of what was discovered and of the event classes that the service itself names."""
    named = [e.avro for handler in service.handlers for e in (handler.event, *handler.signature.emits)]
    named += [e.avro for timer in service.timers for e in timer.signature.emits]
    named += [one.event.avro for one in (*service.emissions, *service.hearings)]
    return Catalogue([*named, *(schema for catalogue in discovered for schema in catalogue.versions)])

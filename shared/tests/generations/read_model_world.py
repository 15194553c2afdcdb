"""A read model that counts events, its topic on a real Kafka, a replica of it, and an operator who rebuilds it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
from farandole import Delivery, Envelope, ReadModel, Service, Store, SystemClock
from farandole.engine.ports import Message
from farandole.generations.distance import Logs
from farandole.generations.following import Following
from farandole.generations.hosting import hosting_of
from farandole.generations.log import GenerationLog
from farandole.generations.serving import Serving
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic
from farandole.rebuild import Actor, Mesh, Plan, Rebuilding, Subject, subject_of
from farandole.settings import Settings
from farandole.testing.backend import Backend
from sqlalchemy import Column, MetaData, Table, Text, func, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PARTITIONS = 3
SOMEBODY = Actor(operation="op-1", by="somebody@here", why="a test")


@dataclass
class Bug:
    """A bug of the observer that can be mended: it overlooks every third event."""

    is_there: bool = False
    taken: int = 0
    breaks_after: int | None = None
    gate: asyncio.Event | None = None
    held: int = 0
    stores: list[Store] = field(default_factory=list)

    async def hold(self, store: Store) -> None:
        """Hold up whoever feeds a store that was opened after the gate was set."""
        if self.gate is None:
            self.stores.append(store)
        elif store not in self.stores:
            self.held += 1
            await self.gate.wait()


def tally(name: str, topic: str, bug: Bug) -> Service:
    """Return the service: it remembers each event once, and says how many it knows."""
    metadata = MetaData()
    seen = Table("seen", metadata, Column("event_id", Text, primary_key=True), Column("subject", Text))
    service = Service(name, tables=metadata, read_model=ReadModel(topics=(topic,)))

    @service.observe
    async def remember(deliveries: Sequence[Delivery], store: Store) -> None:
        if bug.breaks_after is not None and bug.taken >= bug.breaks_after:
            raise RuntimeError("a test said so")
        await bug.hold(store)
        rows = [
            {"event_id": one.event_id, "subject": one.envelope.subject}
            for one in deliveries
            if not (bug.is_there and int(one.envelope.subject) % 3 == 0)
        ]
        if rows:
            async with store.transaction() as work:
                await work.execute(work.insert(seen).on_conflict_do_nothing(), rows)
        bug.taken += len(deliveries)

    @service.http
    def create_app(store: Store) -> Starlette:
        async def counted(_: Request) -> JSONResponse:
            async with store.reading() as work:
                return JSONResponse({"count": await work.scalar(select(func.count()).select_from(seen))})

        return Starlette(routes=[Route("/count", counted)])

    return service


@dataclass
class World:
    """One mesh with the read model in it."""

    backend: Backend
    url: str
    topic: str
    name: str
    connection: Connection
    publisher: KafkaPublisher
    bug: Bug = field(default_factory=Bug)
    sent: int = 0

    @property
    def service(self) -> Service:
        return tally(self.name, self.topic, self.bug)

    @property
    def settings(self) -> Settings:
        return Settings(
            brokers=self.backend.bootstrap,
            redis_url=self.backend.redis_url,
            cluster=self.backend.cluster_id,
            database_url=self.url,
            drain=timedelta(seconds=5),
        )

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def happen(self, count: int) -> None:
        """Let so many events happen."""
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        await self.publisher.publish([_message(self.topic, number) for number in numbers])

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[Replica]:
        """Run one replica of the service."""
        async with AsyncExitStack() as stack:
            hosting = await stack.enter_async_context(hosting_of(self.service, self.settings, self.connection))
            serving = Serving(
                self.name,
                hosting,
                settings=self.settings,
                connection=self.connection,
            )
            running = asyncio.create_task(serving.replica.run())
            http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=serving.switchboard), base_url="http://tally")
            try:
                yield Replica(serving, running, http)
            finally:
                await http.aclose()
                serving.replica.stop()
                await running

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Operator]:
        """Let an operator do something, in what would be a process of his own."""
        async with subject_of(self.service, self.settings, self.connection) as subject:
            yield Operator(self, subject)


class Replica:
    """A replica, and who asks it."""

    def __init__(self, serving: Serving, running: asyncio.Task[None], http: httpx2.AsyncClient) -> None:
        self.serving = serving
        self._running = running
        self._http = http

    @property
    def generation(self) -> int | None:
        return self.serving.replica.generation

    async def count(self) -> int | None:
        """Return the number that it answers, or None where it answers that it cannot."""
        if self._running.done():
            self._running.result()
        answer = await self._http.get("/count")
        return answer.json()["count"] if answer.status_code == 200 else None

    async def until(self, count: int) -> None:
        async def reached() -> bool:
            return await self.count() == count

        await until(reached, lambda: f"{count} counted")


class Operator:
    """Somebody at a terminal."""

    def __init__(self, world: World, subject: Subject) -> None:
        self.subject = subject
        self.told: list[tuple[int, int]] = []
        self.log = GenerationLog(world.connection, world.publisher)
        self.rebuilding = Rebuilding(
            subject,
            log=self.log,
            logs=Logs(world.connection, subject.topics),
            mesh=Mesh(world.connection, subject.topics),
            following=Following(world.connection, service=world.name),
            clock=SystemClock(),
        )

    async def build(self, since: datetime | None = None) -> Plan:
        plan = await self.rebuilding.plan(since)
        await self.rebuilding.build(plan, SOMEBODY, lambda read, total: self.told.append((read, total)))
        return plan

    async def rebuild(self, since: datetime | None = None) -> Plan:
        plan = await self.build(since)
        await self.rebuilding.switch(plan.generation, SOMEBODY)
        return plan


@asynccontextmanager
async def world_of(backend: Backend, url: str) -> AsyncIterator[World]:
    topic = f"tallied-{uuid.uuid4().hex[:8]}"
    connection = Connection(bootstrap=backend.bootstrap, client_id="test")
    await create(connection, [domain_topic(topic, partitions=PARTITIONS)])
    publisher = KafkaPublisher(connection)
    try:
        yield World(backend, url, topic, f"tally-{uuid.uuid4().hex[:8]}", connection, publisher)
    finally:
        await publisher.close()


async def until(holds: Callable[[], Awaitable[bool]], what: Callable[[], str], *, within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < deadline, f"not in time: {what()}"
        await asyncio.sleep(0.05)


def _message(topic: str, number: int) -> Message:
    event_id = f"event-{number}"
    envelope = Envelope(
        id=event_id,
        type="Counted",
        source="test",
        subject=str(number),
        time="2026-11-23T12:00:00Z",
        correlation_id=event_id,
    )
    return Message(topic=topic, key=str(number).encode(), value=b"", headers=envelope.headers())

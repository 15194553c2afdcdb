"""Ground: what a replay of one service stands on: its logs, its memory, its breakers, opened together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from farandole.audit.books import ServiceBooks
from farandole.breaker import RedisBreakers, not_closed
from farandole.contexts import Target
from farandole.kafka.log_reader import LogReader
from farandole.ledger import RedisLedger
from farandole.replay.judging import Judging
from farandole.schema import Catalogue
from farandole.service import Service
from farandole.store.inbox_view import InboxView
from farandole.wire_schemas import catalogue_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a replay of ``service`` stands on. Its parts belong to one event loop."""

    service: Service
    target: Target
    cluster: str
    catalogue: Catalogue
    ledger: RedisLedger
    inbox: InboxView | None
    books: ServiceBooks
    breakers: RedisBreakers

    async def log(self) -> LogReader:
        """Return a reader of its own for whoever asks."""
        return await asyncio.to_thread(LogReader, self.target.connection)

    @asynccontextmanager
    async def judging(self, tell: Callable[[str], None] = lambda _: None) -> AsyncGenerator[Judging]:
        """Open what judges the service's events. Raises BreakersUnavailableError and BrokerUnavailableError."""
        judging = Judging(
            self.service,
            self.books,
            await self.log(),
            schemas=self.catalogue,
            cluster=self.cluster,
            windows=self.target.windows,
            away=not_closed(await self.breakers.states()),
            tell=tell,
        )
        async with judging:
            yield judging


@asynccontextmanager
async def opened(target: Target, service: Service) -> AsyncGenerator[Ground]:
    """Open what a replay of a service stands on. Raises BrokerUnavailableError, StartError where an URL is wrong."""
    cluster = await target.cluster_id()
    async with AsyncExitStack() as stack:
        url = target.database_urls.get(service.name)
        ledger = RedisLedger(target.redis_url, cluster=cluster, service=service.name)
        inbox = None if url is None else InboxView(url, service=service.name)
        books = ServiceBooks(ledger, inbox)
        stack.push_async_callback(books.close)
        breakers = RedisBreakers(target.redis_url, cluster=cluster)
        stack.push_async_callback(breakers.close)
        yield Ground(
            service=service,
            target=target,
            cluster=cluster,
            catalogue=catalogue_of(service, target),
            ledger=ledger,
            inbox=inbox,
            books=books,
            breakers=breakers,
        )

"""Audit: puts an auditor together for a mesh, and has it look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from farandole import catalogues
from farandole.audit.auditor import Auditor, Tell
from farandole.audit.books import ServiceBooks
from farandole.audit.inquiry import Inquiry
from farandole.audit.report import Report
from farandole.breaker import RedisBreakers, not_closed
from farandole.contexts import Target
from farandole.engine.runtime import schemas_of
from farandole.kafka.log_reader import LogReader
from farandole.ledger import RedisLedger
from farandole.schema import Catalogue
from farandole.service import Service
from farandole.store.inbox_view import InboxView


async def audit(
    target: Target, services: Sequence[Service], *, since: datetime | None = None, tell: Tell = lambda _: None
) -> Report:
    """Audit the services that have handlers; observers are told everything and remembered by nobody.

    It reads only, and is safe beside a mesh that runs. With ``since`` (aware) only events appended then or later are
    counted. ``tell`` hears of the progress.

    Raises:
        UnavailableError: Kafka, Redis or a database does not answer.
    """
    heard = [one for one in services if one.handlers]
    cluster = await target.cluster_id()
    away = not_closed(await RedisBreakers.look(target.redis_url, cluster=cluster))
    async with _inquiries(target, heard, cluster, away) as inquiries:
        discovered = catalogues.discover()
        named = [schema for one in heard for schema in schemas_of(one, discovered).versions]
        auditor = Auditor(
            inquiries,
            await asyncio.to_thread(LogReader, target.connection),
            schemas=Catalogue(named),
            cluster=cluster,
            tell=tell,
        )
        return await auditor.look(since=since)


@asynccontextmanager
async def _inquiries(
    target: Target, services: Sequence[Service], cluster: str, away: AbstractSet[str]
) -> AsyncGenerator[list[Inquiry]]:
    async with AsyncExitStack() as stack:
        found = []
        for number, service in enumerate(services):
            url = target.database_urls.get(service.name)
            books = ServiceBooks(
                RedisLedger(target.redis_url, cluster=cluster, service=service.name),
                None if url is None else InboxView(url, service=service.name),
            )
            stack.push_async_callback(books.close)
            found.append(Inquiry(service, number, books, windows=target.windows, away=away))
        yield found

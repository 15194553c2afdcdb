"""Desk: the dead letters of one service, opened: where they are read from, and what they are read with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from farandole.codec import Codec
from farandole.contexts import Target
from farandole.desk.reader import Reader
from farandole.engine.intake import Intake
from farandole.engine.runtime import schemas_of
from farandole.engine.size import MOST_PRIVATE_BYTES
from farandole.errors import UsageError
from farandole.handler import Handler
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.ledger import RedisLedger
from farandole.operations import Outcomes
from farandole.personal import PersonalFields
from farandole.private_topics import AllPrivate
from farandole.schema import Catalogue
from farandole.service import Service
from farandole.store.inbox_view import InboxView

_DEAD_LETTERS: Final = re.compile(r"(?P<service>.+)\.dlq")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The dead letters of ``service``. ``handlers`` are by type; None where the service is not installed here."""

    service: str
    handlers: Mapping[str, Handler] | None
    log: LogReader
    reader: Reader
    outcomes: Outcomes
    catalogue: Catalogue
    codec: Codec
    personal: PersonalFields
    cluster: str

    @property
    def topic(self) -> str:
        """Where the letters lie."""
        return f"{self.service}.dlq"


@asynccontextmanager
async def desk(target: Target, name: str, service: Service | None, *, catalogue: Catalogue) -> AsyncGenerator[Desk]:
    """Open the desk of the service ``name``; ``service`` is None where it is not installed here.

    ``catalogue`` are the schemas that are installed here.

    Raises UnavailableError where something does not answer.
    """
    cluster = await target.cluster_id()
    catalogue = _with_own(catalogue, service)
    handlers = None if service is None else {one.event.avro.fullname: one for one in service.handlers}
    url = None if service is None or service.tables is None else target.database_urls.get(name)
    async with AsyncExitStack() as stack:
        ledger = RedisLedger(target.redis_url, cluster=cluster, service=name)
        stack.push_async_callback(ledger.close)
        inbox = None if url is None else InboxView(url, service=name)
        if inbox is not None:
            stack.callback(inbox.close)
        topics = AllPrivate(service=name, tiers=0)
        intake = Intake(service=name, cluster=cluster, handlers=handlers or {}, schemas=catalogue, topics=topics)
        log = await asyncio.to_thread(LogReader, target.connection)
        yield Desk(
            service=name,
            handlers=handlers,
            log=log,
            outcomes=Outcomes(ledger, inbox),
            reader=Reader(topics, intake, log=log, ledger=ledger, inbox=inbox),
            catalogue=catalogue,
            codec=Codec(catalogue, max_bytes=MOST_PRIVATE_BYTES),
            personal=PersonalFields(catalogue.versions),
            cluster=cluster,
        )


async def services_with_letters(connection: Connection) -> Sequence[str]:
    """Return the services that have a topic of dead letters, installed here or not."""
    log = await asyncio.to_thread(LogReader, connection)
    topics = {one.topic for one in await asyncio.to_thread(log.partitions)}
    return sorted(found["service"] for found in map(_DEAD_LETTERS.fullmatch, topics) if found)


def not_installed(service: str) -> UsageError:
    """Return the error that a service has to be installed here for what was asked."""
    return UsageError(
        f"{service} is not installed here",
        why="without it nobody knows what its handlers depend on, nor whether its database has handled an event since",
        do=f"install its package here, or ask where it is; farandole dlq ls --service {service} reads without it",
        code="E552",
    )


def _with_own(catalogue: Catalogue, service: Service | None) -> Catalogue:
    """Return the catalogue with the event classes of a service that belong to no installed one."""
    known = {one.fullname for one in catalogue}
    own = [] if service is None else [one for one in schemas_of(service, ()) if one.fullname not in known]
    return Catalogue([*catalogue.versions, *own]) if own else catalogue

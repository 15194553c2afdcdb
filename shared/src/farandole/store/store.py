"""Store: a service's own database, with its inbox, its outbox and its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData, select

from farandole.clock import Clock, SystemClock
from farandole.errors import StartError
from farandole.read_model import Generation
from farandole.store.database import Database, Session
from farandole.store.entry import InboxEntry, StoredFollowOn, pack
from farandole.store.inbox import HANDLED, SKIPPED, TOMBSTONE, Inbox, Key, by_key, entry_of
from farandole.store.outbox import Outbox
from farandole.store.place import PLAIN, place_of
from farandole.store.sqlite import SQLiteDatabase
from farandole.store.tables import LAYOUT, owner
from farandole.store.tables import metadata as own_tables
from farandole.store.work import Transaction, UnitOfWork

T = TypeVar("T")


class DeliveryWork:
    """One delivery's transaction: the handler writes with ``work``, then the engine calls ``finish``, once."""

    def __init__(self, store: Inbox, database: Database, row: dict[str, Any]) -> None:
        self._inbox = store
        self._row = row
        self._transaction = Transaction(database.write, partial(store.claim, row=row))
        self.work = UnitOfWork(self._transaction, database.dialect)

    @property
    def opened(self) -> bool:
        """Whether the handler has used the database."""
        return self._transaction.opened

    async def finish(self, follow_ons: Sequence[StoredFollowOn]) -> None:
        """Keep the follow-ons in the inbox row and commit; from here on the event is handled.

        Raises AlreadyHandled or Tombstoned where a peer was first, and StoreUnavailableError. After the latter it may
        be committed all the same: a further delivery of the event will find out.
        """
        packed = pack(follow_ons)
        if not self._transaction.opened:
            self._row["follow_ons"] = packed
            await self._transaction.open()
        elif packed is not None:
            row = self._row
            await self._transaction.run(
                partial(self._inbox.store, source=row["source"], event_id=row["event_id"], packed=packed)
            )
        await self._transaction.commit()

    async def abandon(self) -> None:
        """Roll back whatever is not committed."""
        await self._transaction.rollback()


class Store:
    """A service's own database: SQLite (``sqlite:///file``; ``sqlite://`` is temporary) or PostgreSQL.

    It belongs to the event loop on which it was opened. Many deliveries and transactions may be under way at once;
    on SQLite those that write take turns, in the order of their first statements. Nothing waits longer than
    ``patience`` for a lock that another process holds: then it raises StoreUnavailableError.

    SQLite runs in WAL mode with ``synchronous=NORMAL``: a killed process loses nothing, a power cut may take back the
    last commits. Run PostgreSQL where that matters.

    Each ``generation`` of a read model has a file of its own beside the first one's, or a schema of its own in the same
    PostgreSQL database.
    """

    def __init__(
        self,
        url: str,
        *,
        metadata: Sequence[MetaData] = (),
        service: str,
        clock: Clock | None = None,
        patience: timedelta = timedelta(seconds=5),
        generation: Generation = PLAIN,
    ) -> None:
        self.service = service
        self._metadata = metadata
        self._clock = clock or SystemClock()
        self.generation = generation
        self._database = _database(url, service, patience, generation)
        self._inbox = Inbox(self._database.dialect)
        self.outbox = Outbox(self._database)

    async def open(self) -> None:
        """Connect, and create the tables that are absent; safe when several replicas start at once.

        Raises StoreUnavailableError, and StartError where the database belongs to another service.
        """
        await self._database.open(self._prepare)

    async def close(self) -> None:
        """Close every connection. What is not committed is rolled back."""
        await self._database.close()

    async def handled(self, keys: Sequence[Key]) -> Mapping[Key, InboxEntry]:
        """Return the inbox entries of those (source, inbox id) that are settled; one SELECT, which waits for no writer.

        Tombstones are not among them. An absent key may still turn out to be handled when its delivery opens.
        """
        if not keys:
            return {}
        return by_key(await self._database.rows(*self._inbox.find(keys)))

    async def remembered(self, source: str, event_id: str) -> InboxEntry | None:
        """Return the inbox entry of one event (source, inbox id), be it settled or a tombstone; waits for no writer."""
        rows = await self._database.rows(*self._inbox.find_one(source, event_id))
        return entry_of(rows[0]) if rows else None

    @asynccontextmanager
    async def delivery(self, source: str, event_id: str, attempt: int, digest: bytes) -> AsyncGenerator[DeliveryWork]:
        """Handle one delivery in one transaction, opened at the handler's first statement or at ``finish``.

        The inbox row is inserted first. Where a peer was first, that raises AlreadyHandled (publish the stored
        follow-ons) or Tombstoned (given up at this attempt or a higher one: drop it). Leaving without ``finish``, or
        with an exception, rolls back.
        """
        row = self._row(source, event_id, attempt)
        under_way = DeliveryWork(self._inbox, self._database, {**row, "state": HANDLED, "digest": digest})
        try:
            yield under_way
        finally:
            await under_way.abandon()

    async def tombstone(self, source: str, event_id: str, attempt: int) -> InboxEntry | None:
        """Forbid this attempt of the event, and lower ones, before it is announced dead.

        Returns None when that is so, or the entry of the event where it is handled: a hit, publish its follow-ons
        and announce nothing. Waits for a peer whose transaction on the event is under way.
        """
        row = {**self._row(source, event_id, attempt), "state": TOMBSTONE}
        return await self._commit(partial(self._inbox.close, row=row))

    async def skip(self, source: str, event_id: str, attempt: int) -> InboxEntry | None:
        """Note that a replay wants no run of the event's handler here: from now on it is settled.

        Returns the entry instead where it is settled already: a hit, publish its follow-ons.
        """
        row = {**self._row(source, event_id, attempt), "state": SKIPPED}
        return await self._commit(partial(self._inbox.close, row=row))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[UnitOfWork]:
        """Give a unit of work to an HTTP request or a timer: committed on a clean exit, rolled back on an exception."""
        transaction = Transaction(self._database.write)
        try:
            yield UnitOfWork(transaction, self._database.dialect)
            await transaction.commit()
        finally:
            await transaction.rollback()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[UnitOfWork]:
        """Give a unit of work that can only read and waits for no writer; each statement sees what is committed.

        Read in pages: on SQLite a statement holds up the event loop for as long as it reads.
        """
        transaction = Transaction(self._database.read)
        try:
            yield UnitOfWork(transaction, self._database.dialect)
        finally:
            await transaction.rollback()

    async def prune(self, handled_before: datetime) -> int:
        """Forget the events handled before the moment (aware), a few hundred at a time, and return how many.

        The moment must lie further back than the longest retry chain, pause and replay: a forgotten event that is
        delivered again is handled again. Tombstones stay, however old: each stands for a dead letter, few and still
        open for all that the store knows, and ends when a redrive handles the event.
        """
        total = 0
        while pruned := await self._commit(partial(self._inbox.prune, handled_before=handled_before)):
            total += pruned
            await asyncio.sleep(0)  # SQLite deletes on the loop's own thread: let others have a turn between
        return total

    async def check(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""
        await self._database.rows(select(owner.c.service), {})

    async def _commit(self, step: Callable[[Session], Awaitable[T]]) -> T:
        transaction = Transaction(self._database.write)
        try:
            result = await transaction.run(step)
            await transaction.commit()
        finally:
            await transaction.rollback()
        return result

    def _row(self, source: str, event_id: str, attempt: int) -> dict[str, Any]:
        key = {"source": source, "event_id": event_id, "attempt": attempt}
        return {**key, "digest": None, "follow_ons": None, "handled_at": self._clock.now()}

    def _prepare(self, connection: Connection) -> None:
        for tables in (own_tables, *self._metadata):
            tables.create_all(connection)
        found = connection.execute(select(owner.c.service, owner.c.layout)).first()
        if found is None:
            connection.execute(owner.insert().values(one=1, service=self.service, layout=LAYOUT))
        elif (found.service, found.layout) != (self.service, LAYOUT):
            raise StartError(
                f"{self.service} cannot use this database",
                why=f"it belongs to {found.service} (layout {found.layout}), this is {self.service} (layout {LAYOUT})",
                do=f"give {self.service} a database of its own: in a shared inbox each would drop the other's events",
                code="E123",
            )


def _database(url: str, service: str, patience: timedelta, generation: Generation) -> Database:
    place = place_of(url, service, generation)
    if place.is_sqlite:
        return SQLiteDatabase(place.path, service=service, patience=patience)
    from farandole.store.postgresql import PostgreSQLDatabase  # noqa: PLC0415 - a third of a second, for some only

    return PostgreSQLDatabase(place.url, service=service, patience=patience, schema=place.schema)

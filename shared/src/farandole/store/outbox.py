"""Outbox: events that no event caused, written with the business row and published by a relay."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from farandole.headers import Headers
from farandole.store.database import Database
from farandole.store.entry import pack_headers, unpack_headers
from farandole.store.tables import outbox
from farandole.store.work import UnitOfWork, inserting


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxRow:
    """An event that waits for the relay, as it goes on the wire. ``id`` is the event's id, ``created`` is UTC."""

    id: str
    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None
    created: datetime


class Outbox:
    """The outbox of one service. Delivery is at-least-once and in order: a record may be published again after a crash.

    Rows are inserted at the very end of their transaction, so of two transactions that touch the same business row
    the one that got it first also comes first in the outbox.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = inserting(database.dialect, outbox).on_conflict_do_nothing(index_elements=[outbox.c.id])
        self._oldest = select(outbox).order_by(outbox.c.seq).limit(bindparam("limit", type_=outbox.c.seq.type))
        self._delete = delete(outbox).where(outbox.c.id.in_(bindparam("ids", expanding=True)))
        self._wakes: list[Callable[[], None]] = []

    def on_added(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after every commit that added rows: the relay need not wait for its tick. It must not raise."""
        self._wakes.append(wake)

    async def add(self, work: UnitOfWork, row: OutboxRow) -> None:
        """Put an event into the outbox with the commit of ``work``; an id that waits there already is left as it is."""
        values = {"id": row.id, "topic": row.topic, "key": row.key, "value": row.value, "created": row.created}
        work.defer(self._add, {**values, "headers": pack_headers(row.headers)})
        for wake in self._wakes:
            work.on_commit(wake)

    async def oldest(self, limit: int) -> list[OutboxRow]:
        """Return the rows that have waited longest, in the order in which they are to be published."""
        rows = await self._database.rows(self._oldest, {"limit": limit})
        return [_row(row) for row in rows]

    @asynccontextmanager
    async def batch(self, limit: int) -> AsyncGenerator[list[OutboxRow]]:
        """Hand the oldest rows to a relay; publish them, in order, and leave: they are deleted on a clean exit.

        An exception, a crash or a lost database keeps them for the next batch. One relay has a batch at a time; for
        another one there is nothing to do, and its batch is empty. No transaction is held while the relay publishes.
        """
        async with self._database.alone("outbox") as alone:
            rows = await self.oldest(limit) if alone else []
            yield rows
            if rows:
                await self._forget([row.id for row in rows])

    async def _forget(self, ids: list[str]) -> None:
        session = await self._database.write()
        try:
            await session.execute(self._delete, {"ids": ids})
            await session.commit()
        except BaseException:
            await session.rollback()
            raise


def _row(row: Row[Any]) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        topic=row.topic,
        key=row.key,
        headers=unpack_headers(row.headers),
        value=row.value,
        created=row.created,
    )

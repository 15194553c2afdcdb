"""Inbox: the rows that remember handled events, and the verdict when two deliveries of one event meet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import (
    ARRAY,
    CursorResult,
    Executable,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    true,
    tuple_,
    update,
)

from farandole.store.database import DialectName, Session
from farandole.store.entry import AlreadyHandled, InboxEntry, State, Tombstoned, unpack
from farandole.store.tables import inbox
from farandole.store.work import inserting

Key = tuple[str, str]
HANDLED: Final[State] = "handled"
SKIPPED: Final[State] = "skipped"
TOMBSTONE: Final[State] = "tombstone"
_CHUNK: Final = 500


class Inbox:
    """The statements of the inbox in one dialect, built once. Holds no state."""

    def __init__(self, dialect: DialectName) -> None:
        row = inserting(dialect, inbox)
        outranked = and_(inbox.c.state == TOMBSTONE, inbox.c.attempt < row.excluded.attempt)
        self._claim = row.on_conflict_do_update(
            index_elements=[inbox.c.source, inbox.c.event_id],
            set_={name: row.excluded[name] for name in ("attempt", "state", "digest", "follow_ons", "handled_at")},
            where=outranked,
        ).returning(inbox.c.attempt)
        self._one = select(inbox).where(
            inbox.c.source == bindparam("source"), inbox.c.event_id == bindparam("event_id")
        )
        self._store = (
            update(inbox)
            .where(inbox.c.source == bindparam("of_source"), inbox.c.event_id == bindparam("of_event_id"))
            .values(follow_ons=bindparam("packed"))
        )
        self._many = _many_sqlite() if dialect == "sqlite" else _many_postgresql()
        self._dialect = dialect

    async def claim(self, session: Session, row: Mapping[str, Any]) -> None:
        """Insert the row of a delivery, as the first statement of its transaction; replaces a lower tombstone.

        Waits for a peer that has inserted it and not yet ended. Raises AlreadyHandled or Tombstoned where the peer's
        row stands.
        """
        entry = await self._insert(session, row)
        if entry is None:
            return
        raise Tombstoned(entry) if entry.state == TOMBSTONE else AlreadyHandled(entry)

    async def close(self, session: Session, row: Mapping[str, Any]) -> InboxEntry | None:
        """Insert a row without effects, or replace a lower tombstone; return the settled row that forbids it, if any.

        It is a tombstone, or the row of an event that is skipped.
        """
        entry = await self._insert(session, row)
        return entry if entry is not None and entry.state != TOMBSTONE else None

    async def _insert(self, session: Session, row: Mapping[str, Any]) -> InboxEntry | None:
        while (await session.execute(self._claim, row)).first() is None:
            found = (await session.execute(self._one, {"source": row["source"], "event_id": row["event_id"]})).first()
            if found is not None:
                return entry_of(found)
            # The row that was in the way is gone, pruned between the two statements: insert again.
        return None

    async def store(self, session: Session, source: str, event_id: str, packed: bytes) -> None:
        """Put the follow-ons into the row that ``claim`` inserted in the same transaction."""
        await session.execute(self._store, {"of_source": source, "of_event_id": event_id, "packed": packed})

    def find_one(self, source: str, event_id: str) -> tuple[Executable, Mapping[str, Any]]:
        """Return the SELECT, with its parameters, for the row of one key, settled or a tombstone."""
        return self._one, {"source": source, "event_id": event_id}

    def find(self, keys: Sequence[Key]) -> tuple[Executable, Mapping[str, Any]]:
        """Return the one SELECT, with its parameters, for the settled rows of many keys."""
        if self._dialect == "sqlite":
            return self._many, {"keys": json.dumps(keys)}
        return self._many, {"sources": [source for source, _ in keys], "event_ids": [event_id for _, event_id in keys]}

    async def prune(self, session: Session, handled_before: datetime) -> int:
        """Delete a few hundred of the rows handled before the moment, and return how many."""
        old = select(inbox.c.source, inbox.c.event_id).where(
            inbox.c.handled_at < handled_before, inbox.c.state != TOMBSTONE
        )
        statement = delete(inbox).where(tuple_(inbox.c.source, inbox.c.event_id).in_(old.limit(_CHUNK)))
        result: CursorResult[Any] = await session.execute(statement)
        return result.rowcount


def entry_of(row: Row[Any]) -> InboxEntry:
    """Read a row of the inbox."""
    return InboxEntry(
        source=row.source,
        event_id=row.event_id,
        attempt=row.attempt,
        state=cast("State", row.state),
        digest=row.digest,
        follow_ons=unpack(row.follow_ons),
        handled_at=row.handled_at,
    )


def by_key(rows: Iterable[Row[Any]]) -> dict[Key, InboxEntry]:
    """Arrange rows by (source, event id)."""
    return {(row.source, row.event_id): entry_of(row) for row in rows}


def _many_sqlite() -> Select[Any]:
    # One parameter, whatever the number of keys: the statement is compiled once and no limit is ever met.
    asked = func.json_each(bindparam("keys", type_=Text)).table_valued("value", name="asked")
    source = func.json_extract(asked.c.value, literal_column("'$[0]'"))
    event_id = func.json_extract(asked.c.value, literal_column("'$[1]'"))
    return (
        select(inbox)
        .join_from(asked, inbox, and_(inbox.c.source == source, inbox.c.event_id == event_id))
        .where(inbox.c.state != TOMBSTONE)
    )


def _many_postgresql() -> Select[Any]:
    asked = (
        func.unnest(bindparam("sources", type_=ARRAY(Text)), bindparam("event_ids", type_=ARRAY(Text)))
        .table_valued("source", "event_id", name="asked")
        .render_derived()
    )
    # Lateral and limited, so that every key is one look into the primary key, also while the planner has no statistics
    # of a young table and would read all of it.
    found = (
        select(inbox)
        .where(inbox.c.source == asked.c.source, inbox.c.event_id == asked.c.event_id)
        .limit(literal_column("1"))
        .lateral("found")
    )
    return select(found).select_from(asked.join(found, true())).where(found.c.state != TOMBSTONE)

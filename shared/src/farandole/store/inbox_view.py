"""InboxView: a service's inbox as an outsider reads it, beside the running service and without writing a byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import (
    ARRAY,
    URL,
    Engine,
    Executable,
    Text,
    and_,
    bindparam,
    create_engine,
    func,
    inspect,
    literal_column,
    select,
    true,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from farandole.errors import StartError
from farandole.store.entry import StoredFollowOn, unpack
from farandole.store.failure import translated
from farandole.store.tables import inbox

Key = tuple[str, str]
_WITHIN: Final = 10.0
_COLUMNS: Final = (inbox.c.source, inbox.c.event_id, inbox.c.attempt, inbox.c.state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """A row of the inbox: the event was settled at ``attempt``, or, as a tombstone, given up at it.

    Settled is what is handled, and what a replay had skipped (``was_skipped``).
    """

    attempt: int
    is_handled: bool
    was_skipped: bool = False


class InboxView:
    """Looks events up in the inbox of ``service``. Blocks; for one thread at a time. Close it after use.

    A database without an inbox, or a SQLite file that is not there, is one of a service that never ran: it remembers
    nothing.
    """

    def __init__(self, url: str, *, service: str) -> None:
        """Prepare to read; nothing is opened yet. Raises StartError where the URL cannot be used."""
        self._service = service
        parsed = _parsed(url, service)
        self._is_sqlite = parsed.drivername.partition("+")[0] == "sqlite"
        self._file = Path(parsed.database or "") if self._is_sqlite else None
        self._url = _read_only(self._file) if self._file else parsed.set(drivername="postgresql+psycopg")
        self._engine: Engine | None = None
        self._statement = _many_sqlite() if self._is_sqlite else _many_postgresql()
        self._has_inbox = False

    def known(self, keys: Sequence[Key]) -> Mapping[Key, Remembered]:
        """Return what is known of these (source, inbox id). Raises StoreUnavailableError."""
        if not keys:
            return {}
        with translated(self._service):
            if not self._is_there():
                return {}
            with self._opened().connect() as connection:
                rows = connection.execute(*self._asking(keys)).all()
        return {(row.source, row.event_id): _remembered(row) for row in rows}

    def follow_ons(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredFollowOn]]:
        """Return the follow-ons that were stored with these events. Raises StoreUnavailableError."""
        found: dict[Key, Sequence[StoredFollowOn]] = {}
        with translated(self._service):
            if not self._is_there():
                return {}
            with self._opened().connect() as connection:
                for source, event_id in keys:
                    one = select(inbox.c.follow_ons).where(inbox.c.source == source, inbox.c.event_id == event_id)
                    found[source, event_id] = unpack(connection.execute(one).scalar())
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _is_there(self) -> bool:
        if self._has_inbox:
            return True
        if self._file is not None and not self._file.exists():
            return False
        self._has_inbox = inspect(self._opened()).has_table(inbox.name)
        return self._has_inbox

    def _opened(self) -> Engine:
        if self._engine is None:
            arguments: dict[str, Any] = (
                {"timeout": _WITHIN, "check_same_thread": False}
                if self._is_sqlite
                else {"connect_timeout": round(_WITHIN), "options": "-c default_transaction_read_only=on"}
            )
            self._engine = create_engine(
                self._url,
                hide_parameters=True,
                isolation_level="AUTOCOMMIT",
                connect_args=arguments,
            )
        return self._engine

    def _asking(self, keys: Sequence[Key]) -> tuple[Executable, Mapping[str, Any]]:
        if self._is_sqlite:
            return self._statement, {"keys": json.dumps(keys)}
        sources, event_ids = [source for source, _ in keys], [event_id for _, event_id in keys]
        return self._statement, {"sources": sources, "event_ids": event_ids}


def _remembered(row: Any) -> Remembered:
    return Remembered(attempt=row.attempt, is_handled=row.state != "tombstone", was_skipped=row.state == "skipped")


def _parsed(url: str, service: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable(service, "it is no database URL") from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    if backend in {"postgresql", "postgres"}:
        return parsed
    raise _unusable(service, "it is neither PostgreSQL nor a SQLite file")


def _read_only(file: Path) -> URL:
    return URL.create("sqlite", database=file.absolute().as_uri(), query=cast("Any", {"mode": "ro", "uri": "true"}))


def _unusable(service: str, why: str) -> StartError:
    return StartError(
        f"the inbox of {service} cannot be read",
        why=why,
        do="give it as sqlite:///path/to/file.db or postgresql://user:password@host/database",
        code="E132",
    )


def _many_sqlite() -> Executable:
    asked = func.json_each(bindparam("keys", type_=Text)).table_valued("value", name="asked")
    source = func.json_extract(asked.c.value, literal_column("'$[0]'"))
    event_id = func.json_extract(asked.c.value, literal_column("'$[1]'"))
    return select(*_COLUMNS).join_from(asked, inbox, and_(inbox.c.source == source, inbox.c.event_id == event_id))


def _many_postgresql() -> Executable:
    asked = (
        func.unnest(bindparam("sources", type_=ARRAY(Text)), bindparam("event_ids", type_=ARRAY(Text)))
        .table_valued("source", "event_id", name="asked")
        .render_derived()
    )
    # Lateral and limited, so that every key is one look into the primary key, whatever the planner knows of the table.
    found = (
        select(*_COLUMNS)
        .where(inbox.c.source == asked.c.source, inbox.c.event_id == asked.c.event_id)
        .limit(literal_column("1"))
        .lateral("found")
    )
    return select(found).select_from(asked.join(found, true()))

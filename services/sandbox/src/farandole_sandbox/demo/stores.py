"""Stores: the services' own databases, read from outside without writing a byte."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from farandole.store.entry import unpack

from farandole_sandbox.demo.books import Handled, Promise, Row

_OURS: Final = "farandole_"
_NOT_READ: Final = frozenset(("sqlite_sequence", "order_history", "idempotency_keys"))


def read_inboxes(home: Path, services: Sequence[str]) -> Mapping[str, Mapping[str, Handled]]:
    """Return the inbox of every service that has one, by event id."""
    found: dict[str, Mapping[str, Handled]] = {}
    for service in services:
        with _opened(home, service) as connection:
            if connection is not None:
                rows = connection.execute("SELECT event_id, state, follow_ons FROM farandole_inbox")
                found[service] = {row["event_id"]: _handled(row) for row in rows}
    return found


def read_tables(home: Path, services: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Return the rows of every service's own tables, by "service.table"."""
    found: dict[str, Sequence[Row]] = {}
    for service in services:
        with _opened(home, service) as connection:
            for table in () if connection is None else _tables(connection):
                assert connection is not None
                rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own names
                found[f"{service}.{table}"] = [dict(row) for row in rows]
    return found


def outbox_waiting(home: Path, services: Sequence[str]) -> int:
    """Return how many events wait in the outboxes."""
    waiting = 0
    for service in services:
        with _opened(home, service) as connection:
            if connection is not None:
                waiting += connection.execute("SELECT count(*) FROM farandole_outbox").fetchone()[0]
    return waiting


@contextlib.contextmanager
def _opened(home: Path, service: str) -> Generator[sqlite3.Connection | None]:
    file = home / "stores" / f"{service}.db"
    if not file.exists():
        yield None
        return
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection if "farandole_inbox" in _names(connection) else None


def _names(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for name in _names(connection) if not name.startswith(_OURS) and name not in _NOT_READ]


def _handled(row: Any) -> Handled:
    promises = tuple(Promise(event_id=one.event_id, fullname=one.type) for one in unpack(row["follow_ons"]))
    return Handled(event_id=row["event_id"], given_up=row["state"] != "handled", promises=promises)

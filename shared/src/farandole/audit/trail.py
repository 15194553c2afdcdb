"""Trail: what the audit has read so far, in a temporary database: millions of events take disk, not memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Self

from farandole.audit.trace import Trace, packed, unpacked

_PAGE: Final = 500
_TABLES: Final = """
CREATE TABLE seen (key BLOB PRIMARY KEY, digest INTEGER NOT NULL, heard INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE answered (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE private (service INTEGER NOT NULL, key BLOB NOT NULL, record BLOB NOT NULL);
CREATE INDEX private_key ON private (service, key);
CREATE TABLE undecided (service INTEGER NOT NULL, record BLOB NOT NULL);
"""


@dataclass(slots=True)
class Seen:
    """An event of the domain topics: the digest of its first record, and who hears it, as a set of bits."""

    digest: int
    heard: int


class Trail:
    """The events seen, the private records of each service, and which events were answered. For one thread.

    Services are numbered by whoever asks.
    """

    def __init__(self) -> None:
        # Without a name SQLite keeps it in memory as long as it is small, in a file of nobody's else, and deletes it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("PRAGMA cache_size=-65536")
        self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def seen(self, keys: Sequence[bytes]) -> dict[bytes, Seen]:
        """Return what is known of these events."""
        found = {}
        for page in _pages(keys):
            rows = self._database.execute(f"SELECT key, digest, heard FROM seen WHERE key IN ({_marks(page)})", page)  # noqa: S608 - marks only
            found.update({key: Seen(digest=digest, heard=heard) for key, digest, heard in rows})
        return found

    def see(self, events: Mapping[bytes, Seen]) -> None:
        """Note events, or note them anew."""
        self._many(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", [(k, one.digest, one.heard) for k, one in events.items()]
        )

    def see_at_all(self, key: bytes) -> None:
        """Note that an event is there, whatever else is known of it."""
        self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, 0, 0)", (key,))

    def answer(self, keys: Iterable[bytes]) -> None:
        """Note that something was emitted for these causes."""
        self._many("INSERT OR IGNORE INTO answered VALUES (?)", [(key,) for key in keys])

    def is_answered(self, key: bytes) -> bool:
        """Tell whether anything was emitted for this cause."""
        return self._database.execute("SELECT 1 FROM answered WHERE key = ?", (key,)).fetchone() is not None

    def is_seen(self, key: bytes) -> bool:
        """Tell whether an event lies on a domain topic."""
        return self._database.execute("SELECT 1 FROM seen WHERE key = ?", (key,)).fetchone() is not None

    def keep(self, service: int, records: Sequence[Trace]) -> None:
        """Note private records of a service."""
        self._many("INSERT INTO private VALUES (?, ?, ?)", [(service, one.key, packed(one)) for one in records])

    def private(self, service: int, keys: Sequence[bytes]) -> dict[bytes, list[Trace]]:
        """Return the private records of a service about these events."""
        found: dict[bytes, list[Trace]] = {}
        for page in _pages(keys):
            statement = f"SELECT key, record FROM private WHERE service = ? AND key IN ({_marks(page)})"  # noqa: S608
            for key, record in self._database.execute(statement, (service, *page)):
                found.setdefault(key, []).append(unpacked(record))
        return found

    def only_private(self, service: int) -> Iterator[list[bytes]]:
        """Yield, a page at a time, the events that a service knows only from its private topics."""
        statement = """
            SELECT DISTINCT private.key FROM private LEFT JOIN seen ON seen.key = private.key
            WHERE private.service = ? AND (coalesce(seen.heard, 0) >> ?) & 1 = 0
        """
        with closing(self._database.execute(statement, (service, service))) as rows:
            while page := rows.fetchmany(_PAGE):
                yield [key for (key,) in page]

    def defer(self, service: int, records: Sequence[Trace]) -> None:
        """Put events aside that can only be judged when everything is read."""
        self._many("INSERT INTO undecided VALUES (?, ?)", [(service, packed(one)) for one in records])

    def deferred(self, service: int) -> Iterator[list[Trace]]:
        """Yield, a page at a time, what was put aside."""
        with closing(self._database.execute("SELECT record FROM undecided WHERE service = ?", (service,))) as rows:
            while page := rows.fetchmany(_PAGE):
                yield [unpacked(record) for (record,) in page]

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)
            self._database.execute("COMMIT")


def _pages(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[first : first + _PAGE] for first in range(0, len(keys), _PAGE))


def _marks(page: Sequence[bytes]) -> str:
    return ",".join("?" * len(page))

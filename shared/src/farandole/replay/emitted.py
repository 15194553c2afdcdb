"""Emitted: what a service has emitted so far, by cause: in a temporary database, as millions take disk, not memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Self

from farandole.audit.gathering import answer_key
from farandole.envelope import Envelope
from farandole.identity import follow_on_id
from farandole.ledger import event_key

_TABLE = """
CREATE TABLE emitted (
    key BLOB NOT NULL, cause BLOB NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, answers INTEGER NOT NULL,
    PRIMARY KEY (cause, key)
) WITHOUT ROWID;
CREATE INDEX emitted_key ON emitted (key);
"""


class Emitted:
    """The events of one service that lie on its topics, each once. For one thread at a time; close it after use.

    Serves the audit's judging as its Answers.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        # Without a name SQLite keeps it in memory as long as it is small, in a file of nobody's else, and deletes it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete it."""
        self._database.close()

    def note(self, envelopes: Iterable[Envelope]) -> None:
        """Note records of the topics; those of other services are passed over."""
        rows = [
            (
                event_key(one.source, one.id),
                answer_key(self._service, cause),
                one.type,
                one.id,
                cause == one.causation_id,
            )
            for one in envelopes
            if one.source == self._service
            for cause in dict.fromkeys(filter(None, (one.causation_id, *one.causes)))
        ]
        if rows:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR IGNORE INTO emitted VALUES (?, ?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")

    def is_answered(self, key: bytes) -> bool:
        """Tell whether anything was emitted for this cause (an ``answer_key``)."""
        return self._database.execute("SELECT 1 FROM emitted WHERE cause = ?", (key,)).fetchone() is not None

    def is_seen(self, key: bytes) -> bool:
        """Tell whether an event of the service lies on its topics."""
        return self._database.execute("SELECT 1 FROM emitted WHERE key = ?", (key,)).fetchone() is not None

    def has(self, event_id: str) -> bool:
        """Tell whether the service's event of this id lies on its topics."""
        return self.is_seen(event_key(self._service, event_id))

    def answers(self, event_id: str) -> dict[str, int]:
        """Return what was emitted when this event was handled, by type; what a replay's cascade added is left out."""
        asked = "SELECT type, id FROM emitted WHERE cause = ? AND answers"
        ids: dict[str, set[str]] = {}
        for type_, id_ in self._database.execute(asked, (answer_key(self._service, event_id),)):
            ids.setdefault(type_, set()).add(id_)
        return {type_: len(found & self._own(event_id, type_, len(found)) or found) for type_, found in ids.items()}

    def _own(self, cause: str, type_: str, count: int) -> set[str]:
        """Return the ids of the first so many follow-ons that are named after their cause, as all but joins are."""
        return {
            follow_on_id(cause=cause, service=self._service, event_type=type_, ordinal=ordinal)
            for ordinal in range(count)
        }

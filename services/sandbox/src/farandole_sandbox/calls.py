"""Calls: how many came, a system, a status and a second, so that a storm shows in the books."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable

from farandole.clock import Clock

from farandole_sandbox.faults import System

NO_ANSWER = 0
"""The status that stands for an answer that was lost."""


class Calls:
    """Counts in memory; ``flush`` hands over what was counted since the last time. Use from one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[tuple[int, str, int]] = Counter()

    def count(self, system: System, status: int) -> None:
        """Count one call that was answered with ``status``, now."""
        self._counts[int(self._clock.now().timestamp()), system.value, status] += 1

    def flush(self) -> Callable[[sqlite3.Connection], None] | None:
        """Return the operation that adds what was counted to the books, or None when nothing was."""
        if not self._counts:
            return None
        rows = [(*where, count) for where, count in self._counts.items()]
        self._counts = Counter()

        def add(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO calls (second, system, status, count) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                rows,
            )

        return add

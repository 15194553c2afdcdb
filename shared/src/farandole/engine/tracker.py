"""Tracker: which offsets of one assignment are finished, and up to where they are so without a gap.

Only the contiguous finished offsets may be committed: a gap is work that a crash must bring back.
"""

from __future__ import annotations

from collections import deque
from threading import Lock


class Tracker:
    """The offsets of one partition under one assignment. Thread-safe."""

    def __init__(self) -> None:
        self._outstanding: deque[int] = deque()
        self._finished: set[int] = set()
        self._position: int | None = None
        self._committed: int | None = None
        self._lock = Lock()

    def begin(self, offset: int) -> None:
        """Note that an offset was fetched; offsets begin in ascending order."""
        with self._lock:
            self._outstanding.append(offset)

    def finish(self, offset: int) -> None:
        """Note that an offset's work is settled, in any order."""
        with self._lock:
            self._finished.add(offset)
            while self._outstanding and self._outstanding[0] in self._finished:
                done = self._outstanding.popleft()
                self._finished.discard(done)
                self._position = done + 1

    def to_commit(self) -> int | None:
        """Return the next offset to commit (the first one not finished), or None when nothing changed."""
        with self._lock:
            return None if self._position == self._committed else self._position

    def committed(self, position: int | None) -> None:
        """Note that a position was committed; None when that failed, so that it is committed again."""
        with self._lock:
            self._committed = position

    @property
    def outstanding(self) -> int:
        """How many fetched offsets are not covered by the position yet."""
        return len(self._outstanding)

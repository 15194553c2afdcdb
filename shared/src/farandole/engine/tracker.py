"""Tracker: which offsets of one assignment are unfinished, and up to where they are finished without a gap.

Only the contiguous finished offsets may be committed: a gap is work that a crash must bring back. What is remembered
are the unfinished ones alone, so a delivery that is held for long costs nothing for all that is finished behind it.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

_NO_OFFSET: Final = -1


class Tracker:
    """The offsets of one partition under one assignment. Thread-safe."""

    def __init__(self) -> None:
        self._unfinished: dict[int, None] = {}
        """In ascending order, as dicts keep it."""
        self._begun: int | None = None
        """The position after the last offset that was fetched."""
        self._first: int | None = None
        self._committed: int | None = None
        self._lock = Lock()

    def begin_at(self, position: int) -> None:
        """Note that reading begins here though no such offset is committed, so that this one will be."""
        with self._lock:
            if not self._unfinished:
                self._begun, self._first = position, _NO_OFFSET

    def begin(self, offset: int) -> None:
        """Note that an offset was fetched; offsets begin in ascending order."""
        with self._lock:
            self._unfinished[offset] = None
            self._begun = offset + 1
            if self._first is None:
                self._first = offset

    def finish(self, offset: int) -> None:
        """Note that an offset's work is settled, in any order."""
        with self._lock:
            self._unfinished.pop(offset, None)

    def to_commit(self) -> int | None:
        """Return the next offset to commit (the first one not finished), or None when nothing changed."""
        with self._lock:
            position = self._position()
            return None if position in (self._first, self._committed) else position

    def committed(self, position: int | None) -> None:
        """Note that a position was committed; None when that failed, so that it is committed again."""
        with self._lock:
            self._committed = position

    @property
    def position(self) -> int | None:
        """The first offset that is not finished; None before one was fetched."""
        with self._lock:
            return self._position()

    @property
    def uncommitted(self) -> int:
        """How many offsets lie from the first unfinished one to the last fetched: what a crash would bring back."""
        with self._lock:
            position = self._position()
            return 0 if position is None or self._begun is None else self._begun - position

    def _position(self) -> int | None:
        return next(iter(self._unfinished), self._begun)

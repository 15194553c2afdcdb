"""Pace: how fast numbers grow, from the readings of the last minutes. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

MOST: Final = 300


class Pace:
    """Readings of some counters, `MOST` at most. A counter that went back (a topic made again) grew by nothing."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._last: Mapping[str, int] = {}
        self.per_second: dict[str, float] = {}
        self.history: deque[tuple[float, float]] = deque(maxlen=MOST)

    def read(self, at: float, counters: Mapping[str, int], *, moment: float, summed: frozenset[str]) -> None:
        """Add a reading: ``at`` on a steady clock, ``moment`` on the wall; ``summed`` go into the history."""
        if self._at is not None and at > self._at:
            passed = at - self._at
            # What was not there at the last reading is new to us, and not of this second.
            grown = {name: max(0, count - self._last.get(name, count)) for name, count in counters.items()}
            self.per_second = {name: count / passed for name, count in grown.items()}
            self.history.append((moment, sum(self.per_second[name] for name in summed)))
        self._at, self._last = at, dict(counters)

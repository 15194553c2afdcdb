"""Stillness: how long a thread did nothing lately: stopped, swapped out, or starved of CPU."""

from __future__ import annotations

import time
from datetime import timedelta


class Stillness:
    """Measures the pauses between the steps of a thread. What came of one may be heard some steps later."""

    def __init__(self, *, within: timedelta) -> None:
        self._within = within.total_seconds()
        self._stepped = time.monotonic()
        self._longest, self._ended = 0.0, 0.0

    def step(self) -> None:
        """Note that the thread does something."""
        self._longest, self._ended = self._now()

    def longest(self) -> timedelta:
        """Return the longest pause between two steps of late."""
        return timedelta(seconds=self._now()[0])

    def _now(self) -> tuple[float, float]:
        now = time.monotonic()
        still, self._stepped = now - self._stepped, now
        forgotten = now - self._ended > self._within
        return (still, now) if still >= self._longest or forgotten else (self._longest, self._ended)

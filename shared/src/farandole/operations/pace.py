"""Pace: how fast an operation sends."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Final

from farandole.clock import Clock

AT_ONCE: Final = timedelta(milliseconds=200)
MOST_AT_ONCE: Final = 500
LEAST_RATE: Final = 0.001
MOST_RATE: Final = 1_000_000.0
"""What may be asked for: slower or faster than any service is, and no time that no calendar has."""


class Pace:
    """So many a second, on average and never much ahead of it. For one task.

    What was not sent in time (a pause, a broker that was slow) is not caught up with.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        """Raises ValueError where the rate (a second) is not positive."""
        if not 0 < rate < inf:
            raise ValueError("a rate is positive")
        self.rate = rate
        self._clock = clock
        self._free_at: datetime | None = None

    @property
    def at_once(self) -> int:
        """How many to send at a time, so that the flow is even."""
        return max(1, min(MOST_AT_ONCE, round(self.rate * AT_ONCE.total_seconds())))

    def reserve(self, count: int) -> timedelta:
        """Take the next ``count`` places; return how long to wait before they may be used."""
        now = self._clock.now()
        begin = now if self._free_at is None else max(now, self._free_at)
        self._free_at = begin + timedelta(seconds=count / self.rate)
        return begin - now

    async def wait(self, count: int) -> None:
        """Return when ``count`` more may be sent."""
        await self._clock.sleep(self.reserve(count))

    def duration(self, count: int) -> timedelta:
        """Return how long ``count`` take at this pace, at least."""
        return timedelta(seconds=count / self.rate)

"""ManualClock: time that stands still until a test advances it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta


class ManualClock:
    """A clock for tests. Sleepers wake in the order of their moments, when the clock is advanced past them."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """Return the present moment of the test."""
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        """Return once the clock was advanced by ``duration``; at once when it is not positive."""
        if duration <= timedelta(0):
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + duration, next(self._numbers), future))
        await future

    @property
    def next_wake(self) -> datetime | None:
        """The moment of the next sleeper, or None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move_to(self, moment: datetime) -> None:
        """Set the clock forward and wake whoever slept until then."""
        self._now = max(self._now, moment)
        while (wake := self.next_wake) is not None and wake <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            future.set_result(None)

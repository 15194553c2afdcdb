"""Clock: where time comes from. Injected everywhere, so that tests advance it instead of waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``; at once when it is not positive."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``; at once when it is not positive."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))

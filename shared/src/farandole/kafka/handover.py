"""HandOver: gives what the consumer's thread fetched to the event loop, a batch at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from farandole.delivery import Record


class HandOver:
    """A place for one batch. The thread gives once the loop has taken; the loop waits for what is given."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._given: asyncio.Queue[Sequence[Record]] = asyncio.Queue()
        self._taken = threading.Event()
        self._taken.set()
        self._since = 0.0

    def give(self, records: Sequence[Record]) -> None:
        """Hand a batch over. For the thread, and only while the place is empty."""
        self._taken.clear()
        self._since = time.monotonic()
        self._loop.call_soon_threadsafe(self._given.put_nowait, records)

    def is_empty(self, *, within: timedelta = timedelta(0)) -> bool:
        """Say whether the loop has taken what was given last, or does so in time. For the thread."""
        return self._taken.is_set() or (within > timedelta(0) and self._taken.wait(within.total_seconds()))

    def waited(self) -> timedelta:
        """Return how long ago the last batch was given."""
        return timedelta(seconds=time.monotonic() - self._since)

    async def take(self, within: timedelta) -> Sequence[Record]:
        """Take the next batch; empty where none comes in time. For the loop."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                records = await self._given.get()
        except TimeoutError:
            return ()
        self._taken.set()
        return records

    def drop(self) -> None:
        """Take what is there and forget it. For the loop."""
        while not self._given.empty():
            self._given.get_nowait()
        self._taken.set()

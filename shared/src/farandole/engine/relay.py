"""Relay: publishes what waits in the outbox, in its order, and forgets it once acknowledged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from farandole.engine.ports import Message, Publisher
from farandole.engine.thrown import is_ending
from farandole.errors import UnavailableError
from farandole.store import Store

log = structlog.get_logger(__name__)

BATCH: Final = 500
TICK: Final = timedelta(seconds=1)


class Relay:
    """The relay of one service. At-least-once: after a crash between publishing and forgetting, rows go out again."""

    def __init__(self, *, store: Store, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher
        self._wake = asyncio.Event()
        self._finishing = False
        self.idle = True
        """Whether it has published everything that it knows of."""
        store.outbox.on_added(self._added)

    async def run(self) -> None:
        """Publish whenever something is added, and look once a second for what another replica left behind.

        Returns when it is to finish and has published what waited.
        """
        while not is_ending():
            await self._woken()
            last = self._finishing
            self._wake.clear()
            try:
                while await self.publish_batch() == BATCH:
                    pass
            except UnavailableError as error:
                log.warning("the outbox waits", reason=error.what)
                self._wake.set()
                await asyncio.sleep(TICK.total_seconds() / 4)
            self.idle = not self._wake.is_set()
            if last and self.idle:
                return

    def finish(self) -> None:
        """Publish what waits now, and end."""
        self._finishing = True
        self._wake.set()

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(TICK.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def publish_batch(self) -> int:
        """Publish one batch and forget it; return how many events it held."""
        async with self._store.outbox.batch(BATCH) as rows:
            await self._publisher.publish(
                [Message(topic=row.topic, key=row.key, value=row.value, headers=row.headers) for row in rows]
            )
        return len(rows)

    def _added(self) -> None:
        self.idle = False
        self._wake.set()

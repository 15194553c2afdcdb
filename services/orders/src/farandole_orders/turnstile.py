"""Turnstile: lets a bounded number of requests at the store at once, the rest in the order of their arrival.

Without it a burst of requests would wait for connections of the pool, whose patience ends in an error; here they wait
as long as their clients do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from farandole import Store, UnitOfWork


class Turnstile:
    """The store, for ``width`` requests at once. Belongs to one event loop."""

    def __init__(self, store: Store, *, width: int) -> None:
        self._store = store
        self._writers = asyncio.Semaphore(width)
        self._readers = asyncio.Semaphore(width)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[UnitOfWork]:
        """Give a unit of work that is committed on a clean exit."""
        async with self._writers, self._store.transaction() as work:
            yield work

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[UnitOfWork]:
        """Give a unit of work that only reads."""
        async with self._readers, self._store.reading() as work:
            yield work

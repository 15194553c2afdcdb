"""A crowd of requests waits for the store in order; it never finds the pool of connections empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from farandole import Store
from farandole_orders.turnstile import Turnstile


class CountingStore:
    """Counts who is at it, and lets each go when it is told."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
        yield
        self.inside -= 1

    reading = transaction


@pytest.mark.parametrize("way", ["transaction", "reading"])
async def test_no_more_than_its_width_are_at_the_store_and_all_get_there(way: str):
    store = CountingStore()
    turnstile = Turnstile(cast("Store", store), width=3)
    through: list[int] = []

    async def go(number: int) -> None:
        entering: Any = getattr(turnstile, way)
        async with entering():
            await asyncio.sleep(0)
            through.append(number)

    await asyncio.gather(*(go(number) for number in range(20)))
    assert store.most == 3
    assert through == list(range(20)), "in the order of their arrival"

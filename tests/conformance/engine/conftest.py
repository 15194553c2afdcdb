"""Every test of this folder runs twice: on the harness, and on a real Kafka and Redis."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from farandole import Service
from things import Things, things
from world import MemoryWorld, RealWorld, World


@pytest.fixture
def mine() -> Things:
    return things(f"t{uuid.uuid4().hex[:8]}")


@pytest_asyncio.fixture(params=["memory", "real"])
async def run(
    request: pytest.FixtureRequest, tmp_path: Path, mine: Things
) -> AsyncIterator[Callable[[Service], World]]:
    """Give a world to a service, and end it after the test."""
    worlds: list[World] = []

    def begin(service: Service) -> World:
        if request.param == "memory":
            world: World = MemoryWorld(service, tmp_path)
        else:
            backend = request.getfixturevalue("backend")
            world = RealWorld(service, tmp_path, backend, (mine.asked, mine.answered, mine.noted))
        worlds.append(world)
        return world

    yield begin
    for world in worlds:
        await world.crash()
        if isinstance(world, RealWorld):
            await world.close()

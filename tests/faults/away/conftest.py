"""Services that run behind proxies, in front of servers of a test's own. What they share lies beside them."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "conformance" / "engine"))

from answering import Answering
from behind import Behind
from breakable_redis import BreakableRedis
from farandole.testing.backend import Backend
from things import Things, things


@pytest.fixture
def mine() -> Things:
    """Event classes of this test's own."""
    return things(f"t{uuid.uuid4().hex[:8]}")


@pytest.fixture(autouse=True)
def _few_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARANDOLE_MOST_IN_FLIGHT", "10")


@pytest_asyncio.fixture
async def redis(tmp_path: Path) -> AsyncIterator[BreakableRedis]:
    """A Redis of this test's own, behind a proxy."""
    async with BreakableRedis(tmp_path / "redis") as started:
        yield started


@pytest_asyncio.fixture
async def run(
    request: pytest.FixtureRequest, redis: BreakableRedis, tmp_path: Path, mine: Things
) -> AsyncIterator[Callable[..., Behind]]:
    """Run a service behind the proxies, and end it after the test."""
    worlds: list[Behind] = []

    def begin(answering: Answering, *, backend: Backend | None = None, **behind: Any) -> Behind:
        events = (mine.asked, mine.answered, mine.noted)
        backend = backend or request.getfixturevalue("backend")
        world = Behind(answering.service, tmp_path, replace(backend, redis=redis), events, **behind)
        worlds.append(world)
        return world

    yield begin
    for world in worlds:
        await world.crash()
        await world.close()

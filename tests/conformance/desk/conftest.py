"""A shop with dead letters on a real Kafka, a real Redis and a real SQLite file."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
sys.path.insert(0, str(Path(__file__).parent.parent / "audit"))
sys.path.insert(0, str(Path(__file__).parent))

from counter import Counter, install
from farandole.testing.backend import Backend
from shop import Shop

Opening = Callable[[bool], Awaitable[Counter]]


@pytest_asyncio.fixture
async def opening(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Opening]:
    """Open a shop, with a database or without, and close it after the test."""
    made: list[Counter] = []

    async def begin(stored: bool) -> Counter:
        shop = Shop(f"d{uuid.uuid4().hex[:8]}", stored=stored)
        url = f"sqlite:///{tmp_path / 'own.db'}" if stored else ""
        counter = Counter(shop, tmp_path, backend, url=url)
        made.append(counter)
        install(shop, tmp_path / "installed")
        monkeypatch.syspath_prepend(str(tmp_path / "installed"))
        monkeypatch.setitem(sys.modules, f"shop_{shop.tag}", shop)  # whoever loads it gets this very one
        monkeypatch.chdir(tmp_path)
        for name, value in counter.environment.items():
            monkeypatch.setenv(name, value)
        await counter.mesh.start()
        return counter

    yield begin
    for one in made:
        await one.mesh.end()


@pytest_asyncio.fixture
async def shop(opening: Opening) -> Counter:
    return await opening(True)


@pytest_asyncio.fixture
async def plain(opening: Opening) -> Counter:
    return await opening(False)

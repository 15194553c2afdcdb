"""Every test of the store runs on a real SQLite file and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from itertools import count
from pathlib import Path

import pytest
from farandole.store import Store
from farandole.testing.postgres import PostgreSQLServer
from sqlalchemy import Column, Integer, MetaData, Table, Text, text

metadata = MetaData()
holds = Table(
    "holds",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("amount", Integer, nullable=False),
)

_numbers = count()
Opener = Callable[..., "Store"]


@pytest.fixture(scope="session")
def table() -> Table:
    """The service's own table."""
    return holds


@pytest.fixture(scope="session")
def postgresql() -> Generator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"test_{next(_numbers)}")


@pytest.fixture
def another(url: str) -> Callable[[], Store]:
    """Make a further store on the same database, as another replica would have it. Not open yet."""
    return lambda: Store(url, metadata=[metadata], service="payments")


@pytest.fixture
async def store(another: Callable[[], Store]) -> AsyncGenerator[Store]:
    made = another()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def peer(store: Store, another: Callable[[], Store]) -> AsyncGenerator[Store]:
    """A second replica's store on the same database."""
    made = another()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def until_waiting() -> Callable[[Store], Awaitable[None]]:
    """Return when some transaction waits for a lock: seen by PostgreSQL; on SQLite a few turns of the loop suffice."""

    async def wait(store: Store) -> None:
        blocked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(500):
            await asyncio.sleep(0.01)
            async with store.reading() as work:
                if work.dialect == "sqlite" or await work.scalar(blocked):
                    return
        raise AssertionError("nobody waits")

    return wait

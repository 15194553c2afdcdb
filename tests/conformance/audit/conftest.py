"""A service on a real Kafka, a real Redis and a real database, for the audit to look at from outside."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
sys.path.insert(0, str(Path(__file__).parent))

from audited import Audited
from farandole import Service
from farandole.testing.backend import Backend
from farandole.testing.postgres import PostgreSQLServer
from things import Things, things


@pytest.fixture
def mine() -> Things:
    return things(f"a{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'own.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    if request.param == "sqlite":
        return sqlite_url
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"audit_{uuid.uuid4().hex[:8]}")


@pytest_asyncio.fixture
async def run(backend: Backend, tmp_path: Path, mine: Things) -> AsyncIterator[Callable[[Service, str], Audited]]:
    """Give a service a world and an auditor, and end it after the test."""
    made: list[Audited] = []

    def begin(service: Service, url: str = "") -> Audited:
        one = Audited(service, tmp_path, backend, (mine.asked, mine.answered, mine.noted), url)
        made.append(one)
        return one

    yield begin
    for one in made:
        await one.end()

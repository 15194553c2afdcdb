"""A console in memory, and records that say whatever a test wants them to say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from itertools import count
from pathlib import Path

import pytest
from farandole import Envelope
from farandole.engine.ports import Message
from farandole.settings import Settings
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_console.acting.mesh import Mesh
from farandole_console.dead_letters.boards import Boards
from farandole_console.live.declared import Declarations
from farandole_console.live.gatherer import Gatherer
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Generator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'console.db'}"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"console_{next(_numbers)}")


@pytest.fixture
def unseeing() -> dict:
    """A console that looks at no brokers and imports no service."""
    boards = Boards(Mesh(Settings(), ConsoleSettings()))
    return {Gatherer: Gatherer(Blind()), Declarations: Declarations(), Boards: boards}


@pytest.fixture
async def console(database_url: str, unseeing: dict) -> AsyncIterator[Harness]:
    async with Harness(service, database_url=database_url, provide=unseeing) as harness:
        yield harness


class Blind:
    """Eyes that see nothing: these tests have no brokers."""

    def ends(self):
        return {}, {}

    def groups(self):
        return {}

    def committed(self, group, partitions):
        return {}

    async def breakers(self):
        return {}

    async def notes(self, since):
        return [], 0


class Told:
    """Makes records by their envelope alone: the console never reads what is inside."""

    def __call__(
        self,
        event_id: str,
        event_type: str = "OrderPlaced",
        *,
        flow: str = "flow-1",
        cause: str | None = None,
        subject: str = "order-1",
        source: str = "orders",
        topic: str = "orders",
        value: bytes = b"content",
    ) -> Message:
        envelope = Envelope(
            id=event_id,
            type=event_type,
            source=source,
            subject=subject,
            time="2026-11-23T12:00:00Z",
            correlation_id=flow,
            causation_id=cause,
        )
        return Message(topic=topic, key=subject.encode(), value=value, headers=envelope.headers())


@pytest.fixture
def told() -> Told:
    return Told()

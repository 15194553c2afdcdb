"""A console on the real brokers, and the people who use it: a viewer, an operator and an admin, each with a token."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from farandole.kafka.connection import Connection
from farandole.settings import Settings
from farandole.testing import Harness
from farandole.testing.backend import Backend
from farandole_console.acting.mesh import Mesh
from farandole_console.dead_letters.boards import Boards
from farandole_console.live.declared import Declarations
from farandole_console.live.eyes import MeshEyes
from farandole_console.live.gatherer import Gatherer
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings
from pydantic import SecretStr

VERA, OTTO, ADA = "v" * 24, "o" * 24, "a" * 24
TOKENS = SecretStr(f"vera:viewer:{VERA} otto:operator:{OTTO} ada:admin:{ADA}")


def bearing(token: str) -> dict[str, str]:
    """What a tool sends that has this token."""
    return {"authorization": f"Bearer {token}"}


def connection(backend: Backend) -> Connection:
    return Connection(bootstrap=backend.bootstrap, client_id="test")


def settings_of(backend: Backend) -> Settings:
    return Settings(brokers=backend.bootstrap, cluster=backend.cluster_id, redis_url=SecretStr(backend.redis_url))


@asynccontextmanager
async def console_on(
    backend: Backend, folder: Path, *, declarations: Declarations | None = None, **said: object
) -> AsyncGenerator[tuple[Harness, Gatherer]]:
    """Open a console on this mesh; its gatherer looks when it is told to."""
    settings = settings_of(backend)
    eyes = MeshEyes(connection(backend), redis_url=backend.redis_url, cluster=backend.cluster_id)
    gatherer = Gatherer(eyes)
    console = ConsoleSettings(tokens=TOKENS, **said)
    provide = {
        Gatherer: gatherer,
        Declarations: declarations or Declarations(),
        ConsoleSettings: console,
        Boards: Boards(Mesh(settings, console)),
    }
    url = f"sqlite:///{folder / 'console.db'}"
    async with Harness(service, database_url=url, provide=provide, settings=settings) as harness:
        yield harness, gatherer

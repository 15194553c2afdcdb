"""A real Kafka and a real Redis for tests: containers where Docker has them, the embedded ones otherwise."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from farandole.errors import UsageError
from farandole.local.broker import Broker
from farandole.local.redis import Redis

VARIABLE = "FARANDOLE_TEST_BACKEND"
HEAP = "512m"
"""Each test has topics of its own: with the mesh's 80m a broker ended after some thousand of them, out of memory."""
Kind = Literal["local", "docker"]
_log = logging.getLogger(__name__)


class Server(Protocol):
    """What a test may do with a server: start it, stop it in order, crash it. Data and address outlive all three."""

    async def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        ...

    async def stop(self) -> None:
        """Let it end in order."""
        ...

    async def kill(self) -> None:
        """End it as a crash would."""
        ...


class KafkaServer(Server, Protocol):
    """A broker: where it is, and which cluster it is."""

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``HOST:PORT``."""
        ...

    @property
    def cluster_id(self) -> str:
        """Kafka's cluster id."""
        ...


class RedisServer(Server, Protocol):
    """A Redis: where it is."""

    @property
    def url(self) -> str:
        """The address for clients."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which backend a run uses, and why that one."""

    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.why})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A running broker and Redis."""

    choice: Choice
    broker: KafkaServer
    redis: RedisServer

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.broker.bootstrap

    @property
    def redis_url(self) -> str:
        """The address of Redis."""
        return self.redis.url

    @property
    def cluster_id(self) -> str:
        """Kafka's cluster id, which namespaces what the mesh keeps in Redis."""
        return self.broker.cluster_id

    @staticmethod
    @asynccontextmanager
    async def start(home: Path) -> AsyncGenerator[Backend]:
        """Start both, and stop both at the end. Says in the log which backend it took; never skips.

        Args:
            home: A folder of the test's own, for data and logs.

        Raises:
            LocalMeshError: They could not be started.
            UsageError: ``FARANDOLE_TEST_BACKEND`` names no backend, or Docker was demanded and is not there.
        """
        backend = await up(home)
        try:
            yield backend
        finally:
            await down(backend)


def choose() -> Choice:
    """Read ``FARANDOLE_TEST_BACKEND`` (auto, local or docker) and decide.

    ``auto`` takes Docker only where a daemon answers and both images are already there: a test run downloads nothing.

    Raises:
        UsageError: The variable holds something else, or ``docker`` and there is no daemon.
    """
    said = os.environ.get(VARIABLE, "auto")
    if said == "local":
        return Choice(kind="local", why=f"{VARIABLE}=local")
    if said not in {"auto", "docker"}:
        raise UsageError(f"{VARIABLE}={said} is no backend", do="use auto, local or docker")
    from farandole.testing import docker  # noqa: PLC0415 - testcontainers is there for tests only

    lacking = docker.lacking()
    if said == "docker":
        if lacking.startswith("no Docker"):
            raise UsageError(f"{VARIABLE}=docker, but {lacking}", do=f"start Docker, or set {VARIABLE}=local")
        return Choice(kind="docker", why=f"{VARIABLE}=docker")
    return (
        Choice(kind="local", why=lacking)
        if lacking
        else Choice(kind="docker", why="a daemon answers, both images are here")
    )


async def up(home: Path) -> Backend:
    """Start a broker and a Redis; the caller ends them with ``down``. They belong to no event loop."""
    choice = choose()
    _log.warning("test backend: %s", choice)
    if choice.kind == "docker":
        from farandole.testing import docker  # noqa: PLC0415

        backend = Backend(choice=choice, broker=docker.KafkaInDocker(), redis=docker.RedisInDocker())
    else:
        backend = Backend(choice=choice, broker=Broker(home / "broker", heap=HEAP), redis=Redis(home / "redis"))
    try:
        await backend.redis.start()
        await backend.broker.start()
    except BaseException:
        await down(backend)
        raise
    return backend


async def down(backend: Backend) -> None:
    """Stop both."""
    await backend.broker.stop()
    await backend.redis.stop()

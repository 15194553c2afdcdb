"""A real Redis for the ledger's conformance tests, without a broker: none of them needs one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from farandole.ledger import RedisLedger
from farandole.local.redis import Redis
from farandole.testing.backend import RedisServer, choose

# The model and its mutants are modules beside the tests; importlib mode puts no test folder on the path.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the whole run. Use a cluster name of your own; do not wipe or stop it."""
    server = _server(tmp_path_factory.mktemp("redis"))
    _outside(server.start())
    yield server
    _outside(server.stop())


@pytest_asyncio.fixture
async def own_redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    """A Redis of this test's own, to break."""
    server = _server(tmp_path_factory.mktemp("own-redis"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def redis_ledger(redis: RedisServer) -> AsyncIterator[RedisLedger]:
    """A ledger that nobody else uses, on the shared Redis."""
    ledger = RedisLedger(redis.url, cluster=uuid4().hex, service="payments")
    yield ledger
    await ledger.close()


def _server(home: Path) -> RedisServer:
    if choose().kind == "docker":
        from farandole.testing.docker import RedisInDocker

        return RedisInDocker()
    return Redis(home)


def _outside(work: Coroutine[object, object, None]) -> None:
    """Run ``work`` in a loop and thread of its own: the test's loop lives for one test only."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()

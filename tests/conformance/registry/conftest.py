"""Every test of this folder runs against the fake registry and against a real one, Apicurio, through a TCP proxy."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from farandole.errors import LocalMeshError
from farandole.testing.apicurio import Apicurio
from farandole.testing.fake_registry import FakeRegistry
from farandole.testing.tcp_proxy import TcpProxy

# The service of the process tests is a module beside them; importlib mode puts no test folder on the path.
sys.path.insert(0, str(Path(__file__).parent))


class Running(Protocol):
    """A registry that runs."""

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxied:
    """A registry behind a proxy; ``url`` leads through it."""

    proxy: TcpProxy
    url: str


@pytest.fixture(scope="session")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """One Apicurio for the whole run; register under names of your own."""
    server = Apicurio(tmp_path_factory.mktemp("apicurio"))
    try:
        _outside(server.start())
    except LocalMeshError as reason:
        pytest.skip(f"Apicurio cannot be had here: {reason.what} ({reason.why})")
    yield server
    _outside(server.stop())


@pytest.fixture(params=["fake", "apicurio"])
def registry(request: pytest.FixtureRequest) -> Iterator[Running]:
    if request.param == "apicurio":
        yield request.getfixturevalue("apicurio")
        return
    with FakeRegistry() as fake:
        yield fake


@pytest_asyncio.fixture
async def proxied(registry: Running) -> AsyncIterator[Proxied]:
    async with TcpProxy(to=registry.port) as proxy:
        yield Proxied(proxy=proxy, url=f"http://127.0.0.1:{proxy.port}{urlsplit(registry.url).path}")


def _outside(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` in a loop and thread of its own, as the test's loop lives for one test only."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()

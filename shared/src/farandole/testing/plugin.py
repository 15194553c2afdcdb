"""Pytest fixtures for a real Kafka and Redis: ``pytest_plugins = ["farandole.testing.plugin"]`` in a conftest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from farandole.errors import UsageError
from farandole.testing.backend import Backend, choose, down, up

T = TypeVar("T")


def pytest_report_header() -> str:
    """Say which backend this run uses."""
    try:
        return f"farandole backend: {choose()}"
    except UsageError as wrong:
        raise pytest.UsageError(str(wrong)) from wrong


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One broker and one Redis for the whole run, started when first asked for.

    Use topics, groups and keys of your own; do not stop or kill these servers (``own_backend`` is for that).
    """
    started = _outside(up(tmp_path_factory.mktemp("backend")))
    yield started
    _outside(down(started))


@pytest_asyncio.fixture
async def own_backend(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """A broker and a Redis of this test's own, to break."""
    async with Backend.start(tmp_path_factory.mktemp("own")) as started:
        yield started


def _outside(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` in a loop and thread of its own, as the test's loop lives for one test only."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()

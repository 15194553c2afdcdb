from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

Condition = Callable[[], bool]
Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, and fail when it does not in time."""

    async def wait(condition: Condition, *, within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"not so within {within:g} s"
            await asyncio.sleep(0.02)

    return wait

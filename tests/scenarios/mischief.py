"""Mischief: a demo, and a hand on its mesh to do mischief with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from demo_run import DemoRun, Ended
from farandole_sandbox.chaos.mischief import Mischief

LONG = pytest.mark.skipif(
    os.environ.get("FARANDOLE_LONG") != "1",
    reason="a mesh of its own for minutes; FARANDOLE_LONG=1 runs it",
)
"""Marks a scenario that only runs on request."""


@asynccontextmanager
async def mischief(home: Path, *, orders: int, within: timedelta) -> AsyncIterator[tuple[DemoRun, Mischief]]:
    """Run a demo for mischief to be done to it, from the moment that its first order is accepted."""
    async with asyncio.timeout(within.total_seconds()), DemoRun(home, orders=orders) as demo:
        await demo.placed(1)
        yield demo, Mischief(home, demo.still_running)


def assert_nothing_came_of_it(ended: Ended, *, orders: int) -> None:
    """Every order has ended, nothing is lost, doubled, unexplained or given up, and the demo says so."""
    found = {key: ended.document[key] for key in ("orders", "open", "dead_letters", "audit")}
    calm = {"orders": orders, "open": 0, "dead_letters": 0, "audit": {"lost": 0, "doubled": 0, "unexplained": 0}}
    assert found == calm, f"{ended.document}\n{ended.told[-4000:]}"
    assert ended.exit_code == 0

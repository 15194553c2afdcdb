"""Mischief: what may happen to a mesh from outside, done to one that runs the demo."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from demo_run import DemoRun, Ended
from farandole.local import status
from redis.asyncio import Redis

LONG = pytest.mark.skipif(
    os.environ.get("FARANDOLE_LONG") != "1",
    reason="a mesh of its own for minutes; FARANDOLE_LONG=1 runs it",
)
"""Marks a scenario that only runs on request."""


class Mischief:
    """A hand on the processes and outside systems of the mesh that runs in ``home``."""

    def __init__(self, home: Path, demo: DemoRun) -> None:
        self._home = home
        self._demo = demo

    async def kill(self, *names: str) -> None:
        """Kill -9 processes at the same moment; return when the mesh runs them again, however little they do yet."""
        await asyncio.gather(*(self._demo.kill(name) for name in names))

    async def freeze(self, duration: timedelta, *names: str) -> None:
        """Stop processes, as a machine that swaps or migrates would, and let them go on after ``duration``."""
        mesh = status.read(self._home)
        pids = [mesh.process(name).pid for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(duration.total_seconds())  # this is the mischief, not a wait for something
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    async def wipe_redis(self) -> None:
        """Throw away all that Redis holds."""
        async with Redis.from_url(status.read(self._home).redis_url) as redis:
            await redis.flushall()

    async def fault(self, system: str, kind: str, **fields: Any) -> None:
        """Switch a fault of an outside system on, as soon as the sandbox answers."""
        async with httpx2.AsyncClient(timeout=5) as client:
            while True:
                try:
                    url = f"{status.read(self._home).url('sandbox')}/faults"
                    answer = await client.post(url, json={"system": system, "kind": kind, **fields})
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    assert answer.status_code == 201, answer.text
                    return

    async def reached(self, status_name: str, count: int) -> None:
        """Wait until so many orders have reached a status: what comes after is done in the middle of the work."""
        async with httpx2.AsyncClient(timeout=5) as client:
            while await self._in_status(client, status_name) < count:
                self._demo.still_running()
                await asyncio.sleep(0.1)

    async def _in_status(self, client: httpx2.AsyncClient, status_name: str) -> int:
        try:
            answer = await client.get(f"{status.read(self._home).url('orders')}/orders/summary")
        except httpx2.TransportError:
            return 0
        return int(answer.json()["by_status"].get(status_name, 0)) if answer.status_code == 200 else 0


@asynccontextmanager
async def mischief(home: Path, *, orders: int, within: timedelta) -> AsyncIterator[tuple[DemoRun, Mischief]]:
    """Run a demo for mischief to be done to it, from the moment that its first order is accepted."""
    async with asyncio.timeout(within.total_seconds()), DemoRun(home, orders=orders) as demo:
        await demo.placed(1)
        yield demo, Mischief(home, demo)


def assert_nothing_came_of_it(ended: Ended, *, orders: int) -> None:
    """Every order has ended, nothing is lost, doubled, unexplained or given up, and the demo says so."""
    found = {key: ended.document[key] for key in ("orders", "open", "dead_letters", "audit")}
    calm = {"orders": orders, "open": 0, "dead_letters": 0, "audit": {"lost": 0, "doubled": 0, "unexplained": 0}}
    assert found == calm, f"{ended.document}\n{ended.told[-4000:]}"
    assert ended.exit_code == 0

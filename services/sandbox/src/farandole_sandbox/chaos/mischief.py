"""Mischief: what may happen to a mesh from outside, done to one that runs on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from farandole.local import status
from redis.asyncio import Redis

from farandole_sandbox.faults import Fault

_TICK: Final = 0.05
_TIMEOUT: Final = 5.0


def nobody_looks() -> None:
    """Look at nothing."""


class Mischief:
    """A hand on the processes and outside systems of the mesh that runs in ``home``. For one event loop.

    ``look`` is called while something is waited for; what it raises ends the wait, which otherwise lasts until there is
    what is waited for. Raises LocalMeshError when no mesh runs there.
    """

    def __init__(self, home: Path, look: Callable[[], None] = nobody_looks) -> None:
        self._home = home
        self._look = look

    async def kill(self, *names: str) -> None:
        """Kill -9 processes at the same moment; return when the mesh runs them again, however little they do yet."""
        await asyncio.gather(*(self.kill_one(name) for name in names))

    async def kill_one(self, name: str) -> int:
        """Kill -9 a process and return the pid of the one that the mesh has started in its place."""
        victim = self._pid(name)
        while victim is None:
            await self._a_moment()
            victim = self._pid(name)
        os.kill(victim, signal.SIGKILL)
        while (pid := self._pid(name)) in {None, victim}:
            await self._a_moment()
        assert pid is not None, "that is what was waited for"
        return pid

    async def freeze(self, duration: timedelta, *names: str) -> None:
        """Stop processes, as a machine that swaps or migrates would, and let them go on after ``duration``."""
        mesh = status.read(self._home)
        pids = [pid for name in names if (pid := mesh.process(name).pid) is not None]
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

    async def switch_on(self, faults: Iterable[Fault]) -> None:
        """Switch faults of outside systems on, as soon as the sandbox answers."""
        async with httpx2.AsyncClient(timeout=_TIMEOUT) as client:
            for fault in faults:
                body = msgspec.json.encode(fault)
                while not await self._switched_on(client, body):
                    await self._a_moment()

    async def accepted(self, count: int) -> None:
        """Wait until the order service has accepted so many orders."""
        async with httpx2.AsyncClient(timeout=_TIMEOUT) as client:
            while (await self._summary(client)).get("total", 0) < count:
                await self._a_moment()

    async def reached(self, status_name: str, count: int) -> None:
        """Wait until so many orders have reached a status: what comes after is done in the middle of the work."""
        async with httpx2.AsyncClient(timeout=_TIMEOUT) as client:
            while (await self._summary(client)).get("by_status", {}).get(status_name, 0) < count:
                await self._a_moment()

    async def _switched_on(self, client: httpx2.AsyncClient, body: bytes) -> bool:
        url = f"{status.read(self._home).url('sandbox')}/faults"
        try:
            answer = await client.post(url, content=body, headers={"Content-Type": "application/json"})
        except httpx2.TransportError:
            return False
        answer.raise_for_status()
        return True

    async def _summary(self, client: httpx2.AsyncClient) -> dict[str, Any]:
        try:
            answer = await client.get(f"{status.read(self._home).url('orders')}/orders/summary")
        except httpx2.TransportError:
            return {}
        summary: dict[str, Any] = msgspec.json.decode(answer.content) if answer.status_code == 200 else {}
        return summary

    def _pid(self, name: str) -> int | None:
        mesh = status.running(self._home)
        return None if mesh is None else mesh.process(name).pid

    async def _a_moment(self) -> None:
        self._look()
        await asyncio.sleep(_TICK)

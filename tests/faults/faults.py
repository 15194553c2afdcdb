"""Faults: does what a timeline says to a running mesh, and counts what it really did."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

import httpx2
from farandole.local.mesh import LocalMesh
from lines import Lines
from redis.asyncio import Redis
from redis.exceptions import RedisError
from timeline import BROKER, REDIS, Fault, Kind

_LOOK_AGAIN = 0.02
_ROOM_LEFT = 256


class Faults:
    """A hand on the processes, the lines and the outside systems of one mesh. For one event loop.

    ``done`` counts what was done, by kind; kills by whether they hit the broker, Redis or a service.
    """

    def __init__(self, mesh: LocalMesh, lines: Lines, *, tell: Callable[[str], None]) -> None:
        self._mesh = mesh
        self._lines = lines
        self._tell = tell
        self._frozen: set[int] = set()
        self.done = Counter[str]()
        self.ended = 0.0
        """When the last fault was over, by the monotonic clock."""

    async def play(self, faults: Sequence[Fault]) -> None:
        """Do every fault at its time, however long those before it take; return when all are over and healed."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as striking:
            for fault in faults:
                await asyncio.sleep(began + fault.at.total_seconds() - time.monotonic())
                striking.create_task(self._strike(fault))
        self.ended = time.monotonic()

    async def _strike(self, fault: Fault) -> None:
        self._tell(str(fault))
        match fault.kind:
            case Kind.KILL:
                await self._kill(fault.target)
            case Kind.FREEZE:
                await self._freeze(fault)
            case Kind.FLUSH:
                await self._flush()
            case Kind.FULL_DISK:
                await self._fill_disk(fault)
            case Kind.LINE:
                await self._trouble(fault)
            case Kind.OUTSIDE:
                await self._outside(fault)
        self.done[_counted_as(fault)] += 1

    async def _kill(self, name: str) -> None:
        os.kill(await self._pid(name), signal.SIGKILL)

    async def _freeze(self, fault: Fault) -> None:
        """Stop a process, as a machine that swaps or migrates would, and let it go on."""
        pid = await self._pid(fault.target)
        os.kill(pid, signal.SIGSTOP)
        self._frozen.add(pid)
        try:
            await asyncio.sleep(fault.lasts.total_seconds())
        finally:
            self._frozen.discard(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _flush(self) -> None:
        """Throw away all that Redis holds, as soon as it answers."""
        while True:
            try:
                async with Redis.from_url(self._mesh.redis_url, socket_timeout=2) as redis:
                    await redis.flushall()
            except (RedisError, OSError):
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    async def _fill_disk(self, fault: Fault) -> None:
        """Let Redis's append-only file grow no more for a while, as on a full disk: whoever writes is refused."""
        if not hasattr(resource, "prlimit"):
            self._tell("only Linux bounds the files of another process: no disk is full here")
            return
        pid = await self._pid(REDIS)
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            written = max(file.stat().st_size for file in (self._mesh.home / REDIS).rglob("*.incr.aof"))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (written + _ROOM_LEFT, hard))
            await asyncio.sleep(fault.lasts.total_seconds())
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    async def _trouble(self, fault: Fault) -> None:
        await self._lines.suffer(fault.target, dict(fault.detail))
        try:
            await asyncio.sleep(fault.lasts.total_seconds())
        finally:
            await self._lines.heal(fault.target)

    async def _outside(self, fault: Fault) -> None:
        """Tell the outside systems to have a fault, as soon as they answer; it ends by itself."""
        body = {**dict(fault.detail), "seconds": fault.lasts.total_seconds()}
        async with httpx2.AsyncClient(timeout=5) as client:
            while True:
                try:
                    answer = await client.post(f"{self._mesh.url('sandbox')}/faults", json=body)
                except httpx2.TransportError:
                    await asyncio.sleep(_LOOK_AGAIN)
                else:
                    assert answer.status_code == 201, answer.text
                    break
        await asyncio.sleep(fault.lasts.total_seconds())

    async def _pid(self, name: str) -> int:
        """Wait until a process runs, and is not its own corpse already; return its id."""
        while True:
            pid = self._mesh.state().process(name).pid
            if pid is not None and pid not in self._frozen:
                return pid
            await asyncio.sleep(_LOOK_AGAIN)


def _counted_as(fault: Fault) -> str:
    if fault.kind is not Kind.KILL:
        return str(fault.kind)
    return f"kill {fault.target if fault.target in {BROKER, REDIS} else 'service'}"

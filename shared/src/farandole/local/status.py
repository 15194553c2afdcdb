"""The mesh that runs in a home, as another process sees it, and how to stop it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from farandole.errors import LocalMeshError
from farandole.local import broker, health, home, processes, redis, state
from farandole.local.state import MeshState, ProcessState

_STOP_WITHIN = timedelta(seconds=60)


def running(folder: Path) -> MeshState | None:
    """Return the mesh that runs in ``folder`` now; None when none does."""
    found = state.read(folder)
    return found if found is not None and home.taken(folder) and processes.alive(found.pid) else None


def read(folder: Path) -> MeshState:
    """Return the mesh that runs in ``folder`` now.

    Raises:
        LocalMeshError: None does.
    """
    found = running(folder)
    if found is None:
        raise LocalMeshError(
            f"no mesh runs in {folder}", why=f"there is no live {state.FILE} there", do="farandole up", code="E412"
        )
    return found


async def healthy(mesh: MeshState) -> Mapping[str, bool]:
    """Ask every process of the mesh, at the same time, whether it answers (services: whether they are ready)."""
    said = await asyncio.gather(*(_healthy(process) for process in mesh.processes))
    return dict(zip((process.name for process in mesh.processes), said, strict=True))


async def _healthy(process: ProcessState) -> bool:
    if process.pid is None or not processes.alive(process.pid):
        return False
    port = urlsplit(process.url if "//" in process.url else f"//{process.url}").port or 0
    match process.kind:
        case "broker":
            return await asyncio.to_thread(broker.answers, process.url)
        case "redis":
            return await redis.pong(port)
        case "service":
            return await health.ready(port)


async def stop(folder: Path, *, within: timedelta = _STOP_WITHIN) -> None:
    """Ask the mesh in ``folder`` to drain and stop, and wait until all its processes are gone.

    Raises:
        LocalMeshError: None runs there, or some of it still runs after ``within``.
    """
    mesh = read(folder)
    with contextlib.suppress(ProcessLookupError):
        os.kill(mesh.pid, signal.SIGTERM)
    pids = (mesh.pid, *(process.pid for process in mesh.processes if process.pid is not None))
    left = await processes.gone(pids, within=within)
    if left:
        raise LocalMeshError(
            f"{len(left)} processes of the mesh in {folder} still run after {within.total_seconds():g} s",
            why=f"pids {', '.join(map(str, left))}",
            do=f"see the logs in {folder}; kill -9 {mesh.pid} ends them all",
            code="E413",
        )

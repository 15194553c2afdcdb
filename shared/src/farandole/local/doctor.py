"""What the embedded mesh needs of this machine, and whether it is so. A check changes nothing and never raises."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from redis import Redis as Client
from redis.exceptions import RedisError

from farandole.errors import LocalMeshError
from farandole.local import home, jar_lock, jars, java, ports, processes, redis, state, status
from farandole.local.check import Check
from farandole.local.state import MeshState

OLDEST_PYTHON = (3, 11)
LEAST_FREE = 2 * 1024**3
LARGEST_BROKER = 200 * 1024**2
_REDIS_SECONDS = 2.0


def check(folder: Path) -> list[Check]:
    """Look at this machine and at the mesh in ``folder``, if one runs. Blocks for some seconds at most.

    Call it outside any event loop, or in a thread.
    """
    mesh = status.running(folder)
    return [*machine(folder), *_left_behind(folder, mesh), *(running(mesh) if mesh is not None else ())]


def machine(folder: Path) -> list[Check]:
    """Look at what a mesh in ``folder`` would stand on."""
    return [
        python_version(sys.version_info[:2]),
        java_runtime(),
        jars_cached(),
        redis_program(),
        disk_space(_free_bytes(folder)),
        loopback_port(),
    ]


def running(mesh: MeshState) -> list[Check]:
    """Look at a mesh that runs: its processes, its Redis, its broker, its services."""
    healthy = asyncio.run(status.healthy(mesh))
    return [
        *_processes(mesh),
        redis_settings(*_redis_told(mesh.redis_url)),
        *_answers(mesh, healthy),
        broker_memory(mesh),
    ]


def python_version(version: tuple[int, int]) -> Check:
    """Judge the interpreter's version."""
    return Check(
        name="python",
        ok=version >= OLDEST_PYTHON,
        detail=".".join(map(str, version)),
        do=f"use Python {'.'.join(map(str, OLDEST_PYTHON))} or newer",
    )


def java_runtime() -> Check:
    """See whether there is a Java that the broker runs on."""
    try:
        found = java.find()
    except LocalMeshError as failure:
        return _from_error("java", failure)
    return Check(name="java", ok=True, detail=f"Java {found.version}, {found.path}")


def jars_cached() -> Check:
    """See whether Kafka's jars are in the cache, byte for byte."""
    lock = jar_lock.shipped()
    try:
        absent = jars.missing(lock)
        for jar in lock:
            if jar not in absent:
                jars.check(jar, jars.folder() / jar.name)
    except LocalMeshError as failure:
        return _from_error("jars", failure)
    detail = f"{len(lock) - len(absent)} of {len(lock)} jars of Kafka {jar_lock.KAFKA_VERSION} in {jars.folder()}"
    return Check(name="jars", ok=not absent, detail=detail, do="farandole up   fetches them")


def redis_program() -> Check:
    """See whether there is a Redis or Valkey to run."""
    try:
        return Check(name="redis program", ok=True, detail=str(redis.server_program()))
    except LocalMeshError as failure:
        return _from_error("redis program", failure)


def disk_space(free: int) -> Check:
    """Judge the free space, in bytes, where the mesh keeps its data."""
    return Check(
        name="disk",
        ok=free >= LEAST_FREE,
        detail=f"{free / 1024**3:.1f} GiB free",
        do=f"make room: the mesh wants {LEAST_FREE / 1024**3:.0f} GiB",
    )


def loopback_port() -> Check:
    """See whether a port on the loopback can be had."""
    try:
        port = ports.free()[0]
    except OSError as failure:
        return Check(name="ports", ok=False, detail=str(failure), do=f"let programs listen on {ports.LOOPBACK}")
    return Check(name="ports", ok=True, detail=f"free ones on {ports.LOOPBACK}, such as {port}")


def redis_settings(told: Mapping[str, str], failure: str = "") -> Check:
    """Judge the settings of a running Redis: one that evicts, or keeps no append-only file, loses events."""
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes"}
    wrong = [f"{name} is {told.get(name, 'unknown')}" for name, value in wanted.items() if told.get(name) != value]
    return Check(
        name="redis settings",
        ok=not wrong,
        detail=failure or ", ".join(wrong) or ", ".join(f"{name} {value}" for name, value in wanted.items()),
        do="; ".join(f"CONFIG SET {name} {value}" for name, value in wanted.items()),
    )


def broker_memory(mesh: MeshState) -> Check:
    """Judge how much memory the broker holds."""
    held = next(
        (processes.resident_bytes(each.pid) for each in mesh.processes if each.kind == "broker" and each.pid), None
    )
    return Check(
        name="broker memory",
        ok=held is None or held < LARGEST_BROKER,
        detail="unknown on this system" if held is None else f"{held / 1024**2:.0f} MiB",
        do="farandole down, then up",
    )


def _redis_told(url: str) -> tuple[dict[str, str], str]:
    client = Client.from_url(
        url, decode_responses=True, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    )
    try:
        told: dict[Any, Any] = client.config_get("maxmemory-policy", "appendonly")
    except RedisError as failure:
        return {}, str(failure)
    else:
        return {str(name): str(value) for name, value in told.items()}, ""
    finally:
        client.close()


def _processes(mesh: MeshState) -> Iterator[Check]:
    for process in mesh.processes:
        alive = process.pid is not None and processes.alive(process.pid)
        again = f", started again {process.restarts} times" if process.restarts else ""
        yield Check(
            name=f"{process.name} process",
            ok=alive,
            detail=(f"pid {process.pid}" if alive else "is down, waits to be started again") + again,
            do=f"see {process.log}",
        )


def _answers(mesh: MeshState, healthy: Mapping[str, bool]) -> Iterator[Check]:
    for process in mesh.processes:
        ok = healthy[process.name]
        says = "ready" if process.kind == "service" else "answers"
        yield Check(
            name=f"{process.name} {says}",
            ok=ok,
            detail=process.url if ok else f"{process.url}: no",
            do=f"see {process.log}",
        )


def _left_behind(folder: Path, mesh: MeshState | None) -> Iterable[Check]:
    """Name what an earlier mesh left running, which its guard should have ended."""
    former = state.read(folder) if mesh is None else None
    if former is None or home.taken(folder):
        return
    left = [process.pid for process in former.processes if process.pid is not None and processes.alive(process.pid)]
    yield Check(
        name="processes left behind",
        ok=not left,
        detail=f"pids {left}" if left else "none",
        do=f"kill {' '.join(map(str, left))}",
    )


def _free_bytes(folder: Path) -> int:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def _from_error(name: str, failure: LocalMeshError) -> Check:
    return Check(name=name, ok=False, detail=f"{failure.what}: {failure.why}", do=failure.do)

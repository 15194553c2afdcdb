"""The analytics worker as a process of its own, for tests to start and to kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from farandole.local import ports
from farandole.testing.backend import Backend


class Worker:
    """One run of the worker."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def status(self) -> dict[str, Any]:
        return (await self.http.get("/status")).json()

    async def sales(self, by: str) -> list[dict[str, Any]]:
        return (await self.http.get("/sales/minutes", params={"by": by, "limit": 1440})).json()["minutes"]

    async def until(self, reached: Callable[[dict[str, Any]], bool], *, within: float = 60) -> dict[str, Any]:
        """Wait until the status satisfies ``reached``."""
        deadline = time.monotonic() + within
        last: dict[str, Any] = {}
        while time.monotonic() < deadline:
            assert self.process.returncode is None, "the worker ended"
            try:
                last = await self.status()
            except httpx2.TransportError:
                last = {}
            if last and reached(last):
                return last
            await asyncio.sleep(0.05)
        raise AssertionError(f"not reached within {within} s: {last}")

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> float:
        """End it in order; return how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 20)
        return time.monotonic() - began


@asynccontextmanager
async def running(backend: Backend, home: Path, **env: str) -> AsyncIterator[Worker]:
    (port,) = ports.free()
    log = (home / "worker.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "farandole_analytics",
        env={
            **os.environ,
            "FARANDOLE_BROKERS": backend.bootstrap,
            "FARANDOLE_CLUSTER": backend.cluster_id,
            "FARANDOLE_HOME": str(home),
            "FARANDOLE_HTTP_PORT": str(port),
            **env,
        },
        stdout=log,
        stderr=log,
    )
    worker = Worker(process, port)
    try:
        yield worker
    finally:
        await worker.http.aclose()
        if process.returncode is None:
            await worker.kill()
        log.close()

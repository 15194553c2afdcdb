"""DemoRun: `farandole demo` as a user runs it, in a process of its own, with a hand on its mesh's processes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
from farandole.local import status
from farandole.local.state import MeshState
from farandole_sandbox.chaos.mischief import Mischief


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a demo ended: its exit code, its document, and what it told on the way."""

    exit_code: int
    document: dict[str, Any]
    told: str


class DemoRun:
    """One run of the demo, or of a ``command`` below it. Use it as an async context manager; leaving ends the run."""

    def __init__(self, home: Path, *command: str, orders: int) -> None:
        self._home = home
        self._command = command
        self._orders = orders

    async def __aenter__(self) -> Self:
        arguments = ("demo", *self._command, "--home", str(self._home), "--orders", str(self._orders), "--json")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from farandole.cli import main; main()",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._output = asyncio.create_task(self._process.communicate())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await asyncio.wait([self._output])

    async def ended(self) -> Ended:
        """Wait for the end of the run."""
        stdout, stderr = await self._output
        lines = stdout.decode().splitlines()
        assert len(lines) == 1, f"one document on one line was promised:\n{stdout.decode()}\n{stderr.decode()[-4000:]}"
        return Ended(exit_code=self._process.returncode or 0, document=json.loads(lines[0]), told=stderr.decode())

    async def placed(self, count: int) -> MeshState:
        """Wait until the order service has accepted so many orders, and return the mesh as it is then."""
        async with httpx2.AsyncClient(timeout=2) as client:
            while True:
                self.still_running()
                mesh = status.running(self._home)
                if mesh is not None and await _accepted(client, mesh) >= count:
                    return mesh
                await asyncio.sleep(0.05)

    def still_running(self) -> None:
        """Fail if the demo has ended, and show what it told."""
        if self._output.done():
            _, stderr = self._output.result()
            raise AssertionError(f"the demo ended early:\n{stderr.decode()[-4000:]}")

    async def kill(self, name: str) -> int:
        """Kill -9 a process of the mesh by name; wait until the mesh has started it anew; return the new pid."""
        return await Mischief(self._home, self.still_running).kill_one(name)


async def _accepted(client: httpx2.AsyncClient, mesh: MeshState) -> int:
    try:
        answer = await client.get(f"{mesh.url('orders')}/orders/summary")
    except (httpx2.TransportError, KeyError):
        return 0
    return int(answer.json()["total"]) if answer.status_code == 200 else 0

"""Index lag: how far the console is behind while the demo runs at its full rate, and how soon it has all of it after.

A mesh of its own in a folder that is removed, and the demo through it. The lag is what ``/status`` of the console tells
once a second and, after the end, what the brokers say of its group.

    .venv/bin/python benchmarks/index_lag.py [--orders 830] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
from farandole import catalogues
from farandole.engine.observing import observed_topics
from farandole.generations.distance import Logs, behind
from farandole.kafka.connection import Connection
from farandole.local.state import MeshState
from farandole.local.status import healthy, running
from farandole_console.service import service

CLI = (sys.executable, "-c", "from farandole.cli.main import main; main()")
GROUP = "console.observer"
UP_WITHIN = 120.0


async def said(*words: str) -> dict[str, Any]:
    """Run a command of farandole and return its document."""
    process = await asyncio.create_subprocess_exec(*CLI, *words, "--json", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if not out.strip():
        raise SystemExit(f"farandole {' '.join(words)} said nothing, and ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


async def watched(http: httpx2.AsyncClient, lags: list[int]) -> None:
    """Note the lag once a second, for ever."""
    while True:
        status = (await http.get("/status")).json()
        lags.append(status["groups"][GROUP]["lag"])
        await asyncio.sleep(1)


async def up(home: Path) -> tuple[asyncio.subprocess.Process, MeshState]:
    """Bring a mesh up and return its process and what it says of itself, once the console answers."""
    process = await asyncio.create_subprocess_exec(
        *CLI, "up", "--home", str(home), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    deadline = time.monotonic() + UP_WITHIN
    while time.monotonic() < deadline and process.returncode is None:
        mesh = running(home)
        if mesh is not None and mesh.processes and all((await healthy(mesh)).values()):
            return process, mesh
        await asyncio.sleep(0.5)
    process.terminate()
    raise SystemExit("the mesh did not come up")


async def measure(home: Path, orders: int) -> dict[str, Any]:
    """Run the demo on a mesh of its own."""
    process, mesh = await up(home)
    try:
        url = next(one.url for one in mesh.processes if one.name == "console")
        logs = Logs(Connection(bootstrap=mesh.bootstrap, client_id="lag"), observed())
        lags: list[int] = []
        async with httpx2.AsyncClient(base_url=url) as http:
            watching = asyncio.create_task(watched(http, lags))
            demo = await said("demo", "--orders", str(orders), "--home", str(home))
            ended = time.monotonic()
            while left := behind(await logs.committed(GROUP), await logs.ends()):
                print(f"{left} behind", file=sys.stderr)
                await asyncio.sleep(0.1)
            caught_up = time.monotonic() - ended
            ends = await logs.ends()
            watching.cancel()
            await asyncio.wait({watching})
            status = (await http.get("/status")).json()
        return {
            "demo": demo,
            "records": sum(ends.values()),
            "most_lag": max(lags),
            "mean_lag": round(sum(lags) / len(lags), 1),
            "seconds_to_no_lag": round(caught_up, 2),
            "status": status["groups"],
        }
    finally:
        process.terminate()
        await process.wait()


def observed() -> list[str]:
    """Return every topic that the console reads."""
    topics = sorted({name for catalogue in catalogues.discover() for name in catalogue.topics})
    return list(observed_topics(topics, service.observers))


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=830)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder) / "home", given.orders))
    print(json.dumps(found, indent=None if given.json else 1))


if __name__ == "__main__":
    main()

"""`farandole audit` beside a whole mesh: quiet while the mesh is busy, and quick to name what is taken away from it.

Orders run through the embedded mesh while the command is called again and again, as an operator would; in the middle
Redis is wiped. No audit may find anything, and the last one has everything done. Then somebody deletes what the mesh
remembers of one handled event, in Redis and in the database of its service: `farandole audit --watch`, which runs
already, names it within a minute, once.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from demo_run import DemoRun
from farandole.ledger import event_key
from farandole.local import status
from mischief import Mischief
from redis.asyncio import Redis

ORDERS = 20
WITHIN = timedelta(seconds=300)
NAMED_WITHIN = 60.0


@asynccontextmanager
async def farandole(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command in a process of its own, and end it in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from farandole.cli import main; main()",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()  # SIGINT is ignored where this was begun in the background
        await process.wait()


async def document(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Return the next document that a command prints."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the command ended without a word"
    return json.loads(line)


async def audited(home: Path) -> dict[str, Any]:
    async with farandole("audit", "--home", str(home), "--json") as process:
        found = await document(process)
        assert (await process.wait() == 0) == found["ok"], found
    return found


async def forget_one(home: Path, service: str) -> str:
    """Delete what ledger and inbox know of one event that the service handled, and return its id."""
    mesh = status.read(home)
    with sqlite3.connect(home / "stores" / f"{service}.db", timeout=10) as database:
        source, event_id = database.execute("SELECT source, event_id FROM farandole_inbox LIMIT 1").fetchone()
        database.execute("DELETE FROM farandole_inbox WHERE source = ? AND event_id = ?", (source, event_id))
    async with Redis.from_url(mesh.redis_url) as redis:
        async for ledger in redis.scan_iter(f"farandole:{{{mesh.cluster_id}:{service}}}:done:*"):
            await redis.hdel(ledger, event_key(source, event_id))
    return str(event_id)


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_a_busy_mesh_raises_no_alarm_and_a_planted_loss_is_named_within_a_minute(tmp_path):
    home = tmp_path / "home"
    async with asyncio.timeout(WITHIN.total_seconds()), farandole("up", "--home", str(home), "--json") as mesh:
        await document(mesh)
        audits = []
        async with DemoRun(home, orders=ORDERS) as demo:
            await demo.placed(ORDERS // 2)
            await Mischief(home, demo).wipe_redis()
            ending = asyncio.create_task(demo.ended())
            while not ending.done():
                audits.append(await audited(home))
            assert (await ending).exit_code == 0
        assert [one["findings"] for one in audits] == [[]] * len(audits)
        last = await audited(home)
        assert last["ok"]
        assert all(one["in"] == one["done"] > 0 for one in last["services"])

        async with farandole("audit", "--home", str(home), "--watch", "--interval", "1", "--json") as watch:
            assert (await document(watch))["findings"] == []
            planted, at = await forget_one(home, "payments"), time.monotonic()
            while not (found := await document(watch))["findings"]:
                assert time.monotonic() - at < NAMED_WITHIN
            (finding,) = found["findings"]
            assert (finding["kind"], finding["service"], finding["event_id"]) == ("lost", "payments", planted)
            assert time.monotonic() - at < NAMED_WITHIN
            again = await document(watch)
            assert (again["findings"], again["told_before"]) == ([], 1)

"""The payment gateway is away with orders queued, and comes back slowly.

`farandole demo storm` runs as a user runs it: a fresh Kafka and Redis, the orders in the topic, the gateway out from
its first call on. The loop that tries again at once hammers it; the payments service, whose breaker is shared by all
replicas, asks now and then, and works the queue off at the gateway's rate when it is back. The gateway's own books say
so, and every order has one hold and one answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mischief import LONG

ORDERS = 150
WITHIN = timedelta(seconds=240)


async def storm(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a storm and return its exit code and document."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from farandole.cli import main; main()",
        *("demo", "storm", "--home", str(home), "--orders", str(ORDERS), "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), WITHIN.total_seconds())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode in {0, 1}, stderr.decode()[-4000:]
    return process.returncode, json.loads(stdout)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_the_mesh_leaves_a_gateway_alone_that_a_loop_by_hand_hammers(tmp_path):
    code, told = await storm(tmp_path / "home", "--outage", "4s", "--only", "naive", "--only", "mesh")
    naive, mesh = told["ways"]
    assert naive["calls_during_outage"] > 2 * mesh["calls_during_outage"], "a loop that tries again at once makes more"
    for way in naive, mesh:
        ended = {name: way[name] for name in ("answered", "dead_letters", "lost", "doubled")}
        assert ended == {"answered": ORDERS, "dead_letters": 0, "lost": 0, "doubled": 0}
    assert mesh["calls_during_outage"] > 0
    assert [bar for bar in told["bars"] if not bar["holds"]] == []
    assert (code, told["kept"]) == (0, True)

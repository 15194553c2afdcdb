"""A whole mesh is tortured for a minute, and everything that it promised holds.

Two hundred Northwind orders come in through the order service's HTTP side. Meanwhile services, Redis and the broker are
killed with `kill -9` and stopped with SIGSTOP, Redis is wiped and its disk is full, lines to Redis and Kafka are cut,
slow, silent, and lose replies, the outside systems fail, limit, stall and answer twice. Then the run looks from outside
whether anything was lost, doubled or left lying. `make faults PROFILE=pr` does the same for ten minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from profiles import PROFILES

SEED = os.environ.get("FARANDOLE_FAULTS_SEED", "1")
WITHIN = 300


async def tortured(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run `python tests/faults` and return its exit code, its document, and what it told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).parent,
        "--json",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ending = asyncio.create_task(process.communicate())
    done, _ = await asyncio.wait([ending], timeout=WITHIN)
    if not done:
        process.send_signal(signal.SIGTERM)
    stdout, stderr = await ending
    told = stderr.decode()
    assert done, f"not over after {WITHIN} s:\n{told[-8000:]}"
    assert stdout, told[-8000:]
    return process.returncode or 0, json.loads(stdout), told


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN + 60)
async def test_a_mesh_under_torture_loses_and_doubles_nothing():
    code, document, told = await tortured("--profile", "short", "--seed", SEED)
    assert document["broken"] == [], f"{document}\n{told[-8000:]}"
    assert code == 0
    profile = PROFILES["short"]
    assert document["orders"] == profile.orders
    assert document["completed"] > 0
    assert document["cancelled"] > 0
    assert sum(document["faults"].values()) == profile.faults
    assert sum(document["restarts"].values()) >= profile.service_kills + profile.broker_kills + profile.redis_kills
    assert document["repeat"] == f"make faults PROFILE=short SEED={SEED}"
    assert f"seed {SEED}" in told

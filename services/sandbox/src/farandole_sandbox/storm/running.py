"""Running: the ways through a storm, one after another, each on a mesh of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx2
from farandole.local.state import MeshState

from farandole_sandbox.storm.forecast import Forecast
from farandole_sandbox.storm.outcome import Outcome
from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.playing import Playing
from farandole_sandbox.storm.processes import the_gateway
from farandole_sandbox.storm.row import Row
from farandole_sandbox.storm.stage import on_a_stage
from farandole_sandbox.storm.way import Way


async def live_through(plan: Plan, ways: Sequence[Way], *, home: Path, forecast: Forecast) -> Outcome:
    """Run these ways below ``home``, which keeps their logs; raises Interrupted, LocalMeshError."""
    forecast.begin()
    rows = [await _one(way, plan, home / way.value, forecast) for way in ways]
    return Outcome(plan=plan, gateway=the_gateway(), rows=rows)


async def _one(way: Way, plan: Plan, home: Path, forecast: Forecast) -> Row:
    async def play(mesh: MeshState, outage_id: str) -> Row:
        async with httpx2.AsyncClient() as client:
            return await Playing(way, plan, mesh, client, forecast).play(outage_id)

    forecast.tell(f"{way.spoken}: a fresh mesh, {plan.orders:,} orders queued")
    return await on_a_stage(home, way, plan, play, tell=forecast.tell)

"""``farandole breakers``: how the outside systems do, as the whole fleet knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from farandole.breaker import BreakerState, RedisBreakers
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.mesh import Context, mesh, named
from farandole.cli.output import print_json, print_table, say
from farandole.local import status
from farandole.settings import Settings


def breakers(*, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show the breaker of every dependency that was ever called: its state and why, the rate, the next probe.

    Reads the mesh of the context, else that in the home, else the one that FARANDOLE_CLUSTER and FARANDOLE_REDIS_URL
    name.
    Exits with 4 where one is open.
    """
    states = asyncio.run(_of(context, home))
    now = datetime.now(UTC)
    if json:
        print_json({"breakers": [_document(name, state) for name, state in states.items()]})
    elif not states:
        say("no dependency was called yet")
    else:
        rows = [_row(name, state, now) for name, state in states.items()]
        print_table("breakers", ("dependency", "state", "for", "transitions", "calls/s", "next probe", "reason"), rows)
    return ExitCode.CHECK_FAILED if any(state.phase == "open" for state in states.values()) else ExitCode.OK


async def _of(context: str, home: Home) -> Mapping[str, BreakerState]:
    """Return the states. Raises LocalMeshError where no mesh is named or runs."""
    if not named(context, home) and not Settings().cluster:
        status.read(home or default_home())
    target = mesh(context, home)
    return await RedisBreakers.look(target.redis_url, cluster=await target.cluster_id())


def _document(name: str, state: BreakerState) -> dict[str, Any]:
    return {
        "dependency": name,
        "state": state.phase.value,
        "since": state.since,
        "reason": state.reason,
        "transitions": state.transitions,
        "successes": state.successes,
        "calls_per_second": _rate(state),
        "next_probe": state.next_probe,
        "probe_until": state.probe.until if state.probe is not None else None,
    }


def _row(name: str, state: BreakerState, now: datetime) -> tuple[str, ...]:
    rate = _rate(state)
    return (
        name,
        state.phase.value,
        _ago((now - state.since).total_seconds()),
        str(state.transitions),
        "as they come" if rate is None else f"{rate:g}",
        _next_probe(state, now),
        state.reason or "-",
    )


def _rate(state: BreakerState) -> float | None:
    """Return the calls a second that are permitted at present; None for as many as come."""
    if state.phase == "open":
        return 0.0
    return None if state.limit is None else round(state.limit.rate, 1)


def _next_probe(state: BreakerState, now: datetime) -> str:
    if state.probe is not None and state.probe.until > now:
        return "under way"
    if state.next_probe is None:
        return "-"
    seconds = (state.next_probe - now).total_seconds()
    return f"in {seconds:.1f} s" if seconds > 0 else "due"


def _ago(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"

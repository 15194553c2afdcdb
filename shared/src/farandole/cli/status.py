"""``farandole status``: what runs, where, and how it does."""

from __future__ import annotations

import asyncio

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json, print_table
from farandole.local import status as local_status
from farandole.local.state import MeshState, ProcessState


def status(*, home: Home = None, json: Json = False) -> int:
    """Show every process of the mesh: whether it answers, its address, its pid, how often it was started again."""
    mesh = local_status.read(home or default_home())
    healthy = asyncio.run(local_status.healthy(mesh))
    if json:
        print_json({"mesh": mesh, "healthy": healthy})
    else:
        _show(mesh, dict(healthy))
    return ExitCode.OK if all(healthy.values()) else ExitCode.CHECK_FAILED


def _show(mesh: MeshState, healthy: dict[str, bool]) -> None:
    rows = [_row(one, answers=healthy[one.name]) for one in mesh.processes]
    print_table(f"mesh in {mesh.home} since {mesh.since:%H:%M:%S}", ("process", "", "pid", "starts", "address"), rows)


def _row(process: ProcessState, *, answers: bool) -> tuple[str, ...]:
    state = "ready" if answers else "down"
    return (process.name, state, str(process.pid or "-"), str(process.restarts + 1), process.url)

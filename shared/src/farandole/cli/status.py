"""``farandole status``: what runs, where, and how it does."""

from __future__ import annotations

import asyncio

from farandole.breaker import RedisBreakers
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.mesh import Context, mesh, named
from farandole.cli.output import print_json, print_table
from farandole.contexts import Target
from farandole.errors import FarandoleError
from farandole.kafka.topics import cluster_id
from farandole.local import status as local_status
from farandole.local.state import MeshState, ProcessState


def status(*, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show every process of the mesh: whether it answers, its address, its pid, how often it was started again.

    Of the mesh of a context, whose processes run elsewhere: whether Kafka and Redis answer from here. Ends with 5 where
    one of them does not.
    """
    if named(context, home):
        return _remote(mesh(context, home), as_json=json)
    here = local_status.read(home or default_home())
    healthy = asyncio.run(local_status.healthy(here))
    if json:
        print_json({"mesh": here, "healthy": healthy})
    else:
        _show(here, dict(healthy))
    return ExitCode.OK if all(healthy.values()) else ExitCode.CHECK_FAILED


def _remote(target: Target, *, as_json: bool) -> int:
    faults = asyncio.run(_faults(target))
    if as_json:
        document = {
            name: None if fault is None else {"code": fault.code, "what": fault.what, "why": fault.why}
            for name, fault in faults.items()
        }
        print_json({"context": target.context, "role": target.role.value, "faults": document})
    else:
        rows = [
            (name, "answers" if fault is None else "away", "" if fault is None else f"{fault.what}: {fault.why}")
            for name, fault in faults.items()
        ]
        print_table(f"{target.context}, as {target.role.value}", ("what", "", ""), rows)
    return ExitCode.UNREACHABLE if any(faults.values()) else ExitCode.OK


async def _faults(target: Target) -> dict[str, FarandoleError | None]:
    breakers = RedisBreakers(target.redis_url, cluster=target.cluster)
    faults: dict[str, FarandoleError | None] = {"kafka": None, "redis": None}
    try:
        await cluster_id(target.connection)
    except FarandoleError as fault:
        faults["kafka"] = fault
    try:
        await breakers.states()
    except FarandoleError as fault:
        faults["redis"] = fault
    finally:
        await breakers.close()
    return faults


def _show(here: MeshState, healthy: dict[str, bool]) -> None:
    rows = [_row(one, answers=healthy[one.name]) for one in here.processes]
    print_table(f"mesh in {here.home} since {here.since:%H:%M:%S}", ("process", "", "pid", "starts", "address"), rows)


def _row(process: ProcessState, *, answers: bool) -> tuple[str, ...]:
    state = "ready" if answers else "down"
    return (process.name, state, str(process.pid or "-"), str(process.restarts + 1), process.url)

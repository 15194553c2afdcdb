"""Stage: a mesh of its own for one way: the orders queued and the gateway out before anybody reads an order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from farandole import installed
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, missing
from farandole.local import interrupts
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Change, Notice
from farandole.local.progress import bar
from farandole.local.state import MeshState
from farandole.mesh_topics import topics_of
from farandole_events import CATALOGUE

from farandole_sandbox.demo.host import unless_interrupted
from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.processes import PAYMENTS, SANDBOX, processes_of
from farandole_sandbox.storm.queued import queue_orders
from farandole_sandbox.storm.way import Way
from farandole_sandbox.storm.weather import break_gateway

_WORTH_TELLING: Final = frozenset((Change.ENDED, Change.WAITING, Change.FORCED))

T = TypeVar("T")
Tell = Callable[[str], None]
Play = Callable[[MeshState, str], Awaitable[T]]


async def on_a_stage(home: Path, way: Way, plan: Plan, play: Play[T], *, tell: Tell) -> T:
    """Play on a fresh mesh in ``home``, given the mesh and the id of the outage, and end the mesh afterwards.

    Raises:
        Interrupted: SIGINT or SIGTERM came; a second one ends everything at once.
        LocalMeshError: the mesh does not come up.
    """
    outage_id = ""

    async def provision(bootstrap: str) -> None:
        nonlocal outage_id
        await _create_topics(bootstrap)
        outage_id = await break_gateway(home / "stores" / f"{SANDBOX}.db", rate=plan.rate)
        await queue_orders(bootstrap, plan.orders)

    def news(notice: Notice) -> None:
        if notice.change in _WORTH_TELLING and not heard.asked.is_set():
            tell(str(notice))

    with interrupts.listening() as heard:
        with bar() as report:
            processes = processes_of(way, plan)
            mesh = LocalMesh(home, services=processes, provision=provision, fresh=True, tell=news, report=report)
            await unless_interrupted(mesh.start(), heard)
        try:
            return await unless_interrupted(play(mesh.state(), outage_id), heard)
        finally:
            await mesh.drain(heard)


async def _create_topics(bootstrap: str) -> None:
    connection = Connection(bootstrap=bootstrap, client_id="farandole-storm")
    wanted = await asyncio.to_thread(topics_of, [installed.service(PAYMENTS)], [CATALOGUE])
    await create(connection, await missing(connection, wanted))

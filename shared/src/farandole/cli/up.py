"""``farandole up``: the embedded mesh in the foreground, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json, print_table, say
from farandole.local import interrupts
from farandole.local import services as local_services
from farandole.local.interrupts import Interrupted, unless_interrupted
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Notice
from farandole.local.progress import bar
from farandole.local.state import MeshState
from farandole.mesh_topics import installed_topics

FIRST = ("orders", "inventory", "payments")


def up(
    *,
    fresh: Annotated[bool, Parameter(negative="", help="Delete what an earlier mesh left, first.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Run a real Kafka, a real Redis and every installed service on this machine, until Ctrl-C.

    Ctrl-C lets the services finish what they have in hand; a second one ends everything at once.
    """
    asyncio.run(_run(home or default_home(), fresh=fresh, as_json=json))


async def _run(home: Path, *, fresh: bool, as_json: bool) -> None:
    # From the first moment on: who presses Ctrl-C while it boots wants it to end in order, too.
    with interrupts.listening() as heard, contextlib.suppress(Interrupted):
        with bar() as report:
            mesh = LocalMesh(
                home,
                services=local_services.discover(first=FIRST),
                provision=provision,
                while_booting=installed_topics,
                fresh=fresh,
                tell=_tell,
                report=report,
            )
            await mesh.start_unless(heard)
        try:
            await unless_interrupted(mesh.ready(), heard)
            show(mesh.state(), as_json=as_json)
            await heard.asked.wait()
        finally:
            await mesh.drain(heard)


async def provision(bootstrap: str) -> None:
    """Create the topics that the installed services and schemas want."""
    from farandole.kafka.connection import Connection  # noqa: PLC0415 - while the broker boots, not before
    from farandole.kafka.topics import create, missing  # noqa: PLC0415

    connection = Connection(bootstrap=bootstrap, client_id="farandole-provision")
    wanted = await asyncio.to_thread(installed_topics)
    await create(connection, await missing(connection, wanted))


def show(state: MeshState, *, as_json: bool) -> None:
    """Show where everything is."""
    if as_json:
        print_json(state)
        return
    rows = [(one.name, str(one.pid or "-"), one.url, one.log) for one in state.processes]
    print_table(f"mesh in {state.home}", ("process", "pid", "address", "log"), rows)


def _tell(notice: Notice) -> None:
    say(str(notice))

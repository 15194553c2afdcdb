"""Host: the mesh that the demo runs on: the one that runs in the home, or one of its own that ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from farandole.cli.up import provision
from farandole.local import interrupts, services, status
from farandole.local.interrupts import Interrupted, unless_interrupted
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Change, Notice
from farandole.local.progress import bar
from farandole.local.state import MeshState

FIRST: Final = ("orders", "sandbox", "inventory", "payments")
_WORTH_TELLING: Final = frozenset((Change.ENDED, Change.WAITING, Change.FORCED))

__all__ = ["Interrupted", "on_a_mesh", "unless_interrupted"]

T = TypeVar("T")
Tell = Callable[[str], None]
Work = Callable[[MeshState], Coroutine[Any, Any, T]]


async def on_a_mesh(home: Path, work: Work[T], *, tell: Tell) -> T:
    """Do the work on the mesh that runs in ``home``, or on a fresh one that is drained and ended afterwards.

    On a fresh mesh the work begins as soon as the processes run: who is asked too early is asked again.

    Raises:
        Interrupted: SIGINT or SIGTERM came; a second one ends a mesh of its own at once.
        LocalMeshError: it does not come up.
    """
    found = status.running(home)
    if found is not None:
        tell(f"on the mesh that runs in {home} since {found.since:%H:%M:%S} UTC")
        with interrupts.listening() as heard:
            return await unless_interrupted(work(found), heard)
    with interrupts.listening() as heard:
        return await _on_a_fresh_mesh(home, work, heard, tell=tell)


async def _on_a_fresh_mesh(home: Path, work: Work[T], heard: interrupts.Interrupts, *, tell: Tell) -> T:
    def news(notice: Notice) -> None:
        if notice.change in _WORTH_TELLING and not heard.asked.is_set():
            tell(str(notice))

    with bar() as report:
        mesh = LocalMesh(
            home,
            services=services.discover(first=FIRST),
            provision=provision,
            fresh=True,
            tell=news,
            report=report,
        )
        await mesh.start_unless(heard)
    try:
        return await unless_interrupted(_while_it_gets_ready(mesh, work), heard)
    finally:
        tell("the mesh drains and ends")
        await mesh.drain(heard)


async def _while_it_gets_ready(mesh: LocalMesh, work: Work[T]) -> T:
    """Begin at once; a mesh that does not get ready fails the work."""
    ready = asyncio.ensure_future(mesh.ready())
    working = asyncio.ensure_future(work(mesh.state()))
    try:
        await asyncio.wait({ready, working}, return_when=asyncio.FIRST_EXCEPTION)
        if ready.done() and not working.done():
            ready.result()
        return await working
    finally:
        ready.cancel()
        working.cancel()

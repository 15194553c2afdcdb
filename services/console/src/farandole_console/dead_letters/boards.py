"""Boards: the dead letters of every service, looked at again and again in the background, in groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from farandole.desk import Group, Place, Standing, grouped, opened, service_here, services_with_letters
from farandole.errors import FarandoleError

from farandole_console.acting.mesh import Mesh

log = structlog.get_logger(__name__)
EVERY: Final = 10.0


class Boards:
    """Keeps the groups of each service as they were seen last. For one event loop."""

    def __init__(self, mesh: Mesh) -> None:
        self.groups: Mapping[str, Sequence[Group]] = {}
        self.faults: Mapping[str, str] = {}
        """Why a service's letters could not be read; ``""`` stands for all of them."""
        self._mesh = mesh
        self._wanted = asyncio.Event()

    @property
    def open(self) -> Mapping[str, int]:
        """How many events of each service are open: settled and discarded ones do not count."""
        counts = {name: sum(one.counts.get(Standing.OPEN, 0) for one in groups) for name, groups in self.groups.items()}
        return {name: count for name, count in counts.items() if count}

    async def place(self, name: str) -> Place:
        """Return where the letters of a service lie. Raises UsageError where nobody says where its database is."""
        service = await asyncio.to_thread(service_here, name)
        return Place(target=self._mesh.target([] if service is None else [service]), name=name, service=service)

    def look_soon(self) -> None:
        """Have them looked at now: something was done to them."""
        self._wanted.set()

    async def look(self) -> None:
        """Look once at every service."""
        groups, faults = dict[str, Sequence[Group]](), dict[str, str]()
        try:
            names = await services_with_letters(self._mesh.target().connection)
        except FarandoleError as away:
            self.faults = {"": away.what}
            return
        for name in names:
            try:
                async with opened(await self.place(name)) as (_, board):
                    groups[name] = grouped(name, board.cases)
            except FarandoleError as away:
                faults[name] = away.what
                groups[name] = self.groups.get(name, ())
            except Exception as error:
                log.warning("dead letters could not be read", service=name, error=type(error).__name__)
                faults[name] = f"they could not be read: {type(error).__name__}"
        self.groups, self.faults = groups, faults

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            self._wanted.clear()
            await self.look()
            # As long again as it took, at least: large topics are not read all the time.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), max(EVERY, time.monotonic() - began))


@asynccontextmanager
async def looking(mesh: Mesh) -> AsyncGenerator[Boards]:
    """Give boards that are looked at until the end of the block."""
    boards = Boards(mesh)
    running = asyncio.create_task(boards.run())
    try:
        yield boards
    finally:
        running.cancel()

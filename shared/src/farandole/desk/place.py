"""Place: a mesh, and the service of it whose dead letters are meant."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points

from farandole import installed
from farandole.contexts import Target
from farandole.desk.board import Board
from farandole.desk.desk import Desk, desk, not_installed
from farandole.service import Service
from farandole.wire_schemas import catalogue_here


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A mesh, and the service that is meant; ``service`` is None where it is not installed here."""

    target: Target
    name: str
    service: Service | None

    def demand_installed(self) -> Service:
        """Return the service. Raises UsageError where it is not installed here."""
        if self.service is None:
            raise not_installed(self.name)
        return self.service


def service_here(name: str) -> Service | None:
    """Return a service if it is installed here."""
    names = {entry.name for entry in entry_points(group=installed.GROUP)}
    return installed.service(name) if name in names else None


@asynccontextmanager
async def opened(one: Place) -> AsyncGenerator[tuple[Desk, Board]]:
    """Open the desk of a place, and look at what lies there. Raises UnavailableError."""
    async with desk(one.target, one.name, one.service, catalogue=catalogue_here(one.target)) as found:
        yield found, await found.reader.board()

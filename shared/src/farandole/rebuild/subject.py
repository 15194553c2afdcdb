"""Subject: what a rebuild knows of the service that it rebuilds, and how it opens generations of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from farandole.errors import UsageError
from farandole.generations.hosting import group_of, hosting_of
from farandole.kafka.connection import Connection
from farandole.read_model import Hosted, Opening
from farandole.service import Service
from farandole.settings import Settings
from farandole.store.removal import remove


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A service, as far as a rebuild goes: its group and topics, and how a generation is opened and removed."""

    service: str
    group: str
    topics: tuple[str, ...]
    settings: Settings
    open: Callable[[Opening], Awaitable[Hosted]] = field(repr=False)
    remove: Callable[[Opening], Awaitable[None]] = field(repr=False)


def demand_read_model(service: Service) -> None:
    """Raise UsageError where a service cannot be rebuilt."""
    if service.read_model is None:
        raise UsageError(
            f"{service.name} cannot be rebuilt",
            why="it is no read model: what it keeps is not only what events say",
            do='declare it, Service("…", read_model=ReadModel()), or replay events to it: farandole replay plan',
            code="E570",
        )


@asynccontextmanager
async def subject_of(service: Service, settings: Settings, connection: Connection) -> AsyncGenerator[Subject]:
    """Give what a rebuild needs of a service. Raises UsageError, StartError and BrokerUnavailableError."""
    demand_read_model(service)
    model = service.read_model
    assert model is not None
    group, topics = group_of(service), tuple(model.topics)
    if model.open is not None and model.remove is not None:
        yield Subject(
            service=service.name, group=group, topics=topics, settings=settings, open=model.open, remove=model.remove
        )
        return
    async with hosting_of(service, settings, connection) as hosting:
        yield Subject(
            service=service.name,
            group=group,
            topics=hosting.topics,
            settings=settings,
            open=hosting.open,
            remove=lambda opening: _remove(service, opening),
        )


async def _remove(service: Service, opening: Opening) -> None:
    if service.tables is not None:
        url = opening.settings.database_url.get_secret_value()
        await remove(url, metadata=(service.tables,), service=service.name, generation=opening.generation)

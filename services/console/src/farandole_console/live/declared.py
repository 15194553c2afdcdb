"""Declared: what the services that are installed beside the console say of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from farandole import installed
from farandole.expectation import Expectation
from farandole.recovery import Policy
from farandole.service import Service
from farandole.signature import where

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredHandler:
    """A handler, by names alone."""

    function: str
    event: str
    type: str
    """The event's full name."""
    topic: str
    emits: Sequence[tuple[str, str]]
    """Event type and topic."""
    depends_on: Sequence[str]
    retry: str
    on_replay: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredService:
    """A service, by names alone."""

    name: str
    handlers: Sequence[DeclaredHandler]
    timers: Sequence[tuple[str, str]]
    observes: bool
    has_store: bool
    is_read_model: bool


class Declarations:
    """What is installed, imported once, in the background. Where nothing else is installed, nothing is known."""

    def __init__(self) -> None:
        self.services: Sequence[DeclaredService] = ()
        self.expectations: Sequence[Expectation] = ()

    async def learn(self) -> None:
        """Import what is installed."""
        try:
            found = await asyncio.to_thread(installed.services)
        except Exception as broken:
            # A service that cannot be imported here may run elsewhere; the console shows what it knows.
            log.warning("the installed services cannot be imported", reason=f"{type(broken).__name__}: {broken}")
            return
        self.services = [declared(one) for one in found]
        self.expectations = [each for one in found for each in one.expectations]

    def hears(self, event_type: str) -> Iterable[str]:
        """Return the names of the services that hear an event type, by its full name."""
        return [one.name for one in self.services if any(each.type == event_type for each in one.handlers)]


def declared(service: Service) -> DeclaredService:
    """Return what a service declares."""
    return DeclaredService(
        name=service.name,
        handlers=[
            DeclaredHandler(
                function=_short(where(one.function)),
                event=one.event.avro.name,
                type=one.event.avro.fullname,
                topic=one.event.avro.topic,
                emits=[(event.avro.name, event.avro.topic) for event in one.signature.emits],
                depends_on=[each.name for each in one.depends_on],
                retry=_retry(one.policy),
                on_replay=one.on_replay,
            )
            for one in service.handlers
        ],
        timers=[(_short(where(one.function)), f"{one.interval.total_seconds():g} s") for one in service.timers],
        observes=bool(service.observers),
        has_store=service.tables is not None,
        is_read_model=service.read_model is not None,
    )


def _retry(policy: Policy) -> str:
    backoff = policy.backoff
    held = ", in order" if policy.ordered else ""
    return f"{backoff.attempts} attempts, from {backoff.first.total_seconds():g} s, times {backoff.factor:g}{held}"


def _short(place: str) -> str:
    """Leave out the folders of a machine: ``name (file.py:12)``."""
    name, bracket, file = place.partition(" (")
    return f"{name} ({file.rpartition('/')[2]}" if bracket else name


@asynccontextmanager
async def learning() -> AsyncGenerator[Declarations]:
    """Give the declarations, which are learnt in the background: whoever starts does not wait for every import."""
    declarations = Declarations()
    task = asyncio.create_task(declarations.learn())
    try:
        yield declarations
    finally:
        task.cancel()

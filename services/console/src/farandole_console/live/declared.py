"""Declared: what the services of the mesh say of themselves: by announcing it, or by being installed here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from farandole.errors import FarandoleError
from farandole.expectation import Expectation
from farandole.kafka.log_reader import LogReader
from farandole.place import Place
from farandole.runner import connection_of
from farandole.settings import Settings
from farandole.topology import Topology, announced_topology, installed_topology
from farandole.topology.announcing import announcements
from farandole.topology.sheet import HandlerSheet, RetrySheet, ServiceSheet
from farandole.topology.topology import topology_of_sheets

from farandole_console.promises.declared import NOTHING, Declared, declared_of

AGAIN: Final = timedelta(seconds=5)
FIRST_WITHIN: Final = timedelta(seconds=10)
"""Whoever starts waits so long for what was announced: an event that is indexed before is expected to lead nowhere."""
NOBODY: Final = Topology(services=(), events=(), hearings=(), emissions=(), observations=())

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
    """What is known of the services, and what follows from it. For one event loop; another thread may read it.

    It ``is_complete`` once what was announced has been read: until then nobody may conclude from what is missing.
    """

    def __init__(self, topology: Topology = NOBODY, *, is_complete: bool = True) -> None:
        self.is_complete = is_complete
        self.take(topology)

    def take(self, topology: Topology) -> None:
        """Know this, and no longer what was known before."""
        self.topology = topology
        self.services: Sequence[DeclaredService] = [declared(one, topology) for one in topology.services]
        self.expected: Declared = declared_of(topology) if topology.services else NOTHING
        self.expectations: Sequence[Expectation] = tuple(self.expected.expectations.values())

    def hears(self, event_type: str) -> Iterable[str]:
        """Return the names of the services that hear an event type, by its full name."""
        return [one.name for one in self.services if any(each.type == event_type for each in one.handlers)]


class Learning:
    """Learns what services announce, and what is installed here. The word of a service counts more than its code."""

    def __init__(self, declarations: Declarations, announced: Callable[[], Topology]) -> None:
        self._declarations = declarations
        self._announced = announced
        self._installed = NOBODY

    async def begin(self) -> None:
        """Learn what is installed, which is imported for that."""
        try:
            self._installed = await asyncio.to_thread(installed_topology)
        except Exception as broken:
            # A service that cannot be imported here may run elsewhere; the console shows what it knows.
            log.warning("the installed services cannot be imported", reason=f"{type(broken).__name__}: {broken}")
        self._declarations.take(self._installed)

    async def again(self) -> None:
        """Learn what has been announced; where the brokers are away, what was known stays."""
        try:
            announced = await asyncio.to_thread(self._announced)
        except FarandoleError as away:
            log.info("what services announce cannot be read", reason=away.what)
            return
        known = both(announced, self._installed)
        if known != self._declarations.topology:
            self._declarations.take(known)
        self._declarations.is_complete = True

    async def go_on(self) -> None:
        """Learn again every few seconds, for ever."""
        while True:
            await asyncio.sleep(AGAIN.total_seconds())
            await self.again()


def both(announced: Topology, installed: Topology) -> Topology:
    """Return what is known by announcements and by what is installed; of a service that did both, its own word."""
    named = {one.name for one in announced.services}
    others = [one for one in installed.services if one.name not in named]
    return topology_of_sheets((*announced.services, *others), (*installed.events, *announced.events))


def declared(sheet: ServiceSheet, topology: Topology) -> DeclaredService:
    """Return what a service declares, by names alone."""
    topics = {one.fullname: one.topic for one in topology.events}
    return DeclaredService(
        name=sheet.name,
        handlers=[_handler(one, topics) for one in sheet.handlers],
        timers=[(_short(one.place), f"{one.every:g} s") for one in sheet.timers],
        observes=bool(sheet.observers),
        has_store=sheet.has_store,
        is_read_model=bool(sheet.read_model),
    )


def _handler(one: HandlerSheet, topics: Mapping[str, str]) -> DeclaredHandler:
    return DeclaredHandler(
        function=_short(one.place),
        event=_name(one.event),
        type=one.event,
        topic=topics.get(one.event, ""),
        emits=[(_name(event), topics[event]) for event in one.emits if event in topics],
        depends_on=one.depends_on,
        retry=_retry(one.retry, ordered=one.ordered),
        on_replay=one.on_replay,
    )


def _name(fullname: str) -> str:
    return fullname.rpartition(".")[2]


def _retry(retry: RetrySheet, *, ordered: bool) -> str:
    held = ", in order" if ordered else ""
    return f"{retry.attempts} attempts, from {retry.first:g} s, times {retry.factor:g}{held}"


def _short(place: Place) -> str:
    """Leave out the folders: ``name (file.py:12)``."""
    return f"{place.function} ({place.file.rpartition('/')[2]}:{place.line})"


@asynccontextmanager
async def learning(settings: Settings) -> AsyncGenerator[Declarations]:
    """Give the declarations, which go on learning as long as the console runs."""
    connection = connection_of(settings, client="farandole-console")
    declarations = Declarations(is_complete=False)
    learner = Learning(declarations, lambda: announced_topology(announcements(LogReader(connection))))
    await learner.begin()
    with suppress(TimeoutError):
        await asyncio.wait_for(learner.again(), FIRST_WITHIN.total_seconds())
    task = asyncio.create_task(learner.go_on())
    try:
        yield declarations
    finally:
        task.cancel()

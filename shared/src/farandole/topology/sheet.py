"""ServiceSheet: everything that one service declares, as a document: what an announcement carries, and no secrets."""

from __future__ import annotations

from dataclasses import dataclass

from farandole.expectation import Expectation
from farandole.place import Place
from farandole.private_topics import PrivateTopics


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrySheet:
    """How failures are taken. Times are seconds."""

    attempts: int
    immediate: int
    first: float
    factor: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlerSheet:
    """A handler. Event types are full names; ``timeout`` is in seconds; ``ordered`` keeps the order of a key."""

    event: str
    emits: tuple[str, ...]
    place: Place
    depends_on: tuple[str, ...]
    retry: RetrySheet
    timeout: float
    ordered: bool
    stops: bool
    on_replay: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerSheet:
    """A timer; ``every`` is in seconds."""

    emits: tuple[str, ...]
    place: Place
    every: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ObserverSheet:
    """An observer: it is given every event; a ``private`` one every other record of the mesh besides."""

    place: Place
    private: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredSheet:
    """One event type that is heard or emitted otherwise, as `Service.hears` and `Service.emits` declare it."""

    event: str
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSheet:
    """What a service declares. ``read_model`` is its consumer group where it is one; ``tiers`` counts retry tiers.

    ``keeps`` are the topics that a read model makes for itself, as its first generation names them.
    """

    name: str
    version: str = ""
    handlers: tuple[HandlerSheet, ...] = ()
    timers: tuple[TimerSheet, ...] = ()
    observers: tuple[ObserverSheet, ...] = ()
    emits: tuple[DeclaredSheet, ...] = ()
    hears: tuple[DeclaredSheet, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    tiers: int = 0
    has_store: bool = False
    read_model: str = ""
    keeps: tuple[str, ...] = ()
    serves_http: bool = False

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The outside systems that its handlers need, sorted."""
        return tuple(sorted({one for handler in self.handlers for one in handler.depends_on}))

    @property
    def private_topics(self) -> tuple[str, ...]:
        """Its retry tiers, redeliveries and dead letters; none where it has no handlers."""
        return PrivateTopics(service=self.name, tiers=self.tiers).all if self.handlers else ()

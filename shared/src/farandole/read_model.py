"""ReadModel: what a service declares so that its store can be built again from history, one generation beside another.

A read model only keeps what events say: it answers no event, calls no outside system, and what it keeps can be had
again by reading the topics again. The first generation has the service's plain names; each rebuild makes the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from farandole.settings import Settings

FIRST: Final = 1
Position: TypeAlias = Mapping[tuple[str, int], int]
"""The offset to be read next, by topic and partition."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Generation:
    """One build of a service's store. Numbers begin with 1, grow by one and are never used again."""

    number: int

    def named(self, plain: str) -> str:
        """Return the name in this generation of what is called ``plain`` in the first: ``console.observer.g2``."""
        return plain if self.number == FIRST else f"{plain}.g{self.number}"


class Hosted(Protocol):
    """A generation that a process holds: it follows the topics, and answers from what it has. For one event loop."""

    @property
    def app(self) -> Any:
        """The service's ASGI application on this generation; None where there is none, or it is only being built."""
        ...

    async def whole(self) -> None:
        """Return once nothing that it had before is missing. A store on disk is whole at once."""
        ...

    async def position(self) -> Position:
        """Return how far it has read. May raise BrokerUnavailableError. A partition of which it read nothing may lack.

        What lies before is in its store, and durable.
        """
        ...

    async def rest(self) -> None:
        """Follow the topics no more, and return when that is so; requests are still answered."""
        ...

    async def close(self) -> None:
        """Let go of everything. Raises what ended it where it ended by itself."""
        ...

    async def ended(self) -> None:
        """Return when it has ended by itself, or raise what ended it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """How a generation is to be opened. One that is being ``built`` emits nothing, runs no timer and answers nobody."""

    generation: Generation
    settings: Settings
    built: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadModel:
    """That a service is a read model, and, where it does not consume with the library's observers, how it is held.

    Args:
        group: the consumer group of the first generation; ``<service>.observer`` where it is empty.
        topics: what it reads; every domain topic where there is none.
        keeps: the topics that it makes for itself, as the first generation names them; those of later ones begin
            with ``<service>.g``. Its user on Kafka may create, read and write them.
        open: opens a generation; the library's own way, from the service's observers, where it is None.
        remove: removes what a generation keeps, except its consumer group; harmless where it is gone.
    """

    group: str = ""
    topics: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    open: Callable[[Opening], Awaitable[Hosted]] | None = field(default=None, repr=False)
    remove: Callable[[Opening], Awaitable[None]] | None = field(default=None, repr=False)

"""Declaration: event types that a service hears or emits otherwise than by a handler or a timer, told in words."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from farandole.errors import StartError
from farandole.event import Event
from farandole.place import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """One event type, and the function that hears or emits it."""

    event: type[Event]
    place: Place


def declarations(events: Iterable[Any], place: Place) -> tuple[Declaration, ...]:
    """Return a declaration of each event type. Raises StartError where one is no event type."""
    found = tuple(events)
    for one in found:
        if not (inspect.isclass(one) and issubclass(one, Event) and one is not Event):
            raise StartError(
                f"{one!r} is no event type, declared at {place}",
                why="what a service hears and emits are classes of events",
                do="name event classes: service.emits(OrderPlaced, CancellationRequested)",
                code="E135",
            )
    return tuple(Declaration(event=one, place=place) for one in found)

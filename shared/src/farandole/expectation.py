"""Expectation: what must follow an event in its flow, and how soon. A service declares it, the console watches it.

Nothing waits for it: no handler, no saga. An expectation is a sentence about flows, and costs the service nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, cast

from farandole.errors import StartError
from farandole.event import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Where an event ``first`` happens in a flow, one of ``then`` happens in that flow ``within`` a time.

    Types are Avro full names. ``place`` is where it is declared, ``file:line``.
    """

    service: str
    first: str
    then: tuple[str, ...]
    within: timedelta
    place: str

    @property
    def name(self) -> str:
        """Name it in a line, as metrics and tables do: ``OrderPlaced > OrderCancelled | OrderCompleted``."""
        return f"{_short(self.first)} > {' | '.join(_short(one) for one in self.then)}"

    @property
    def key(self) -> str:
        """What makes it this expectation and no other, whatever the time that it allows."""
        return f"{self.service}: {self.first} > {' | '.join(self.then)}"

    def document(self) -> dict[str, Any]:
        """Return it as JSON: ``within`` in seconds."""
        return {
            "service": self.service,
            "first": self.first,
            "then": list(self.then),
            "within": self.within.total_seconds(),
            "place": self.place,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` returned. Raises KeyError, TypeError or ValueError where it is something else."""
        then = tuple(sorted({str(one) for one in document["then"]}))
        within = timedelta(seconds=float(document["within"]))
        if not then or within <= timedelta(0):
            raise ValueError("it expects nothing")
        first, service = str(document["first"]), str(document["service"])
        return cls(service=service, first=first, then=then, within=within, place=str(document.get("place", "")))


def expectation(
    service: str, event: type[Event], *, then: type[Event] | tuple[type[Event], ...], within: timedelta, place: str
) -> Expectation:
    """Return what a service declares. Raises StartError where it makes no sense."""
    answers = then if isinstance(then, tuple) else (then,)
    # Whoever is not held to the types may hand anything in.
    for one in cast("tuple[object, ...]", (event, *answers)):
        if not (isinstance(one, type) and issubclass(one, Event) and one is not Event):
            raise StartError(
                f"{service} expects {one!r}, which is no event ({place})",
                why="an expectation is about events: what follows which",
                do="name event classes",
                code="E137",
            )
    if not answers or event in answers or within <= timedelta(0):
        raise StartError(
            f"{service} expects what cannot be after {event.__name__} ({place})",
            why="nothing would keep it, or the event itself would, or no time is left for it",
            do="name other events in `then`, and a time above nothing in `within`",
            code="E138",
        )
    return Expectation(
        service=service,
        first=event.avro.fullname,
        # The order in which they are named means nothing, so it tells no two expectations apart.
        then=tuple(sorted({one.avro.fullname for one in answers})),
        within=within,
        place=place,
    )


def _short(fullname: str) -> str:
    return fullname.rpartition(".")[2]

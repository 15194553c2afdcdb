"""Observed: what was seen of a mesh's traffic, and where that differs from what its services declare. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from farandole.topology.topology import Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Events of one type that one service emitted on a topic. Names are what records claim: untrusted."""

    service: str
    event: str
    topic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What was seen: how many records of each traffic, and which group reads which topic.

    ``since`` is the broker's time of the oldest record that was looked at, None where there was none.
    """

    records: Mapping[Traffic, int]
    readers: frozenset[tuple[str, str]]
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing in which what was declared and what was seen are not the same."""

    service: str
    event: str
    topic: str
    what: str
    records: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """``undeclared`` is traffic that nobody declares; ``dead`` are declared edges of which nothing was seen."""

    undeclared: tuple[Difference, ...]
    dead: tuple[Difference, ...]

    def of(self, service: str) -> Differences:
        """Return those that one service is part of."""
        return Differences(
            undeclared=tuple(one for one in self.undeclared if _is_of(one.service, service)),
            dead=tuple(one for one in self.dead if one.service == service),
        )


def differences(declared: Topology, observed: Observed) -> Differences:
    """Return where they differ, sorted. A declared edge may be dead because nothing happened that it is for."""
    return Differences(
        undeclared=_sorted((*_undeclared_events(declared, observed), *_undeclared_readers(declared, observed))),
        dead=_sorted((*_dead_emissions(declared, observed), *_dead_hearings(declared, observed))),
    )


def _undeclared_events(declared: Topology, observed: Observed) -> Iterator[Difference]:
    for one, records in observed.records.items():
        event = declared.event(one.event)
        emitters = declared.emitters(one.event)
        if event is None:
            what = "no service declares this type"
        elif event.topic != one.topic:
            what = f"it belongs on {event.topic}"
        elif one.service not in emitters:
            what = f"declared is that {' and '.join(emitters) or 'nobody'} emits it"
        else:
            continue
        yield Difference(service=one.service, event=one.event, topic=one.topic, what=what, records=records)


def _undeclared_readers(declared: Topology, observed: Observed) -> Iterator[Difference]:
    hears = {(one.service, event.topic) for one in declared.hearings if (event := declared.event(one.event))}
    hears |= {(one.service, topic) for one in declared.observations for topic in declared.topics}
    for group, topic in observed.readers:
        if topic in declared.topics and not any(topic == heard and _is_of(group, name) for name, heard in hears):
            yield Difference(service=group, event="", topic=topic, what="a group reads it that no service declares")


def _dead_emissions(declared: Topology, observed: Observed) -> Iterator[Difference]:
    seen = {(one.service, one.event) for one in observed.records}
    for service, name in dict.fromkeys((one.service, one.event) for one in declared.emissions):
        event = declared.event(name)
        if (service, name) not in seen and event is not None:
            yield Difference(service=service, event=name, topic=event.topic, what="declared, and never emitted")


def _dead_hearings(declared: Topology, observed: Observed) -> Iterator[Difference]:
    for service, name in dict.fromkeys((one.service, one.event) for one in declared.hearings):
        event = declared.event(name)
        if event is not None and not any(
            _is_of(group, service) and event.topic == at for group, at in observed.readers
        ):
            yield Difference(
                service=service, event=name, topic=event.topic, what="declared, and its group never read it"
            )


def _is_of(group: str, service: str) -> bool:
    """Tell whether a group is a service's own: of its name, or of one that begins with it, as an observer's."""
    return group == service or group.startswith((f"{service}.", f"{service}-"))


def _sorted(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(found, key=lambda one: (one.topic, one.service, one.event)))

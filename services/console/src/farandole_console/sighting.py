"""Sighting: what the index keeps of a delivery, made safe to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from farandole import Delivery
from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind

LONGEST: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """One event as the console saw it: its envelope and where it lay. ``digest`` tells contents apart."""

    source: str
    event_id: str
    type: str
    subject: str
    flow_id: str
    causation_id: str | None
    causes: str
    time: str
    appended: datetime
    topic: str
    partition: int
    offset: int
    digest: int

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this event and no other."""
        return self.source, self.event_id

    @property
    def coordinates(self) -> Coordinates:
        """Where it was seen."""
        return Coordinates(topic=self.topic, partition=self.partition, offset=self.offset)

    def row(self) -> dict[str, Any]:
        """Return it as the row of an event that was not known before."""
        # `asdict` copies each value deeply, which was half of what indexing cost.
        return {**{name: getattr(self, name) for name in self.__slots__}, "conflicting": False}

    @property
    def begins_flow(self) -> bool:
        """Whether the flow is named after this very event."""
        return self.event_id == self.flow_id


@dataclass(frozen=True, kw_only=True, slots=True)
class First:
    """Where the first record of an event lies, and what tells its content apart."""

    coordinates: Coordinates
    digest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A further record of an event: its producer sent it twice, or another one uses its id with other content."""

    sighting: Sighting
    is_conflicting: bool

    def happening(self) -> Happening:
        """Return that the event was emitted there, too."""
        one = self.sighting
        return Happening(
            kind=Kind.EMITTED,
            service=one.source,
            source=one.source,
            event_id=one.event_id,
            type=one.type,
            subject=one.subject,
            flow_id=one.flow_id,
            at=one.appended,
            coordinates=one.coordinates,
            origin=one.coordinates,
        )


def sighting_of(delivery: Delivery) -> Sighting:
    """Return what is kept of a delivery. Headers are untrusted: over-long ones are cut, and none can fail the index.

    A flow id that is over-long is not believed: the event then stands for a flow of its own.
    """
    envelope, lies = delivery.envelope, delivery.coordinates
    event_id = _kept(envelope.id)
    believed = len(envelope.correlation_id) <= LONGEST
    return Sighting(
        source=_kept(envelope.source),
        event_id=event_id,
        type=_kept(envelope.type),
        subject=_kept(envelope.subject),
        flow_id=_kept(envelope.correlation_id) if believed else event_id,
        causation_id=_kept(envelope.causation_id) if envelope.causation_id else None,
        causes=_kept(",".join(envelope.causes)),
        time=_kept(envelope.time),
        appended=delivery.record.appended,
        topic=lies.topic,
        partition=lies.partition,
        offset=lies.offset,
        digest=delivery.digest,
    )


def sorted_out(
    sightings: Iterable[Sighting], first: Mapping[tuple[str, str], First]
) -> tuple[tuple[Sighting, ...], tuple[Copy, ...]]:
    """Return those that are new, each once, and the further records of events, whether known before or new.

    ``first`` are the first records of the events that were known before. Seeing that very record again is nothing.
    """
    known = dict(first)
    new: list[Sighting] = []
    copies: list[Copy] = []
    for one in sightings:
        there = known.get(one.key)
        if there is None:
            known[one.key] = First(coordinates=one.coordinates, digest=one.digest)
            new.append(one)
        elif (there.coordinates, there.digest) != (one.coordinates, one.digest):
            copies.append(Copy(sighting=one, is_conflicting=there.digest != one.digest))
    return tuple(new), tuple(copies)


def _kept(text: str) -> str:
    # PostgreSQL takes no NUL in text: one hostile header would stop the index for ever.
    return text[:LONGEST].replace("\x00", "\ufffd")

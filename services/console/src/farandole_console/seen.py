"""Seen: what a batch of deliveries tells the index, made safe to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from farandole import Delivery
from farandole.flow.happening import Happening, Kind
from farandole.flow.reading import HappeningReader
from farandole.flow.told_outcomes import told_outcomes
from farandole.private_topics import owner_of

from farandole_console.operation_note import NoteReader, OperationNote
from farandole_console.sighting import Sighting, sighting_of

AUDIT: Final = "_farandole.audit"
OUTCOMES: Final = "_farandole.outcomes"
MOST_PARTITIONS: Final = 2**31


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The events of a batch, what else happened to events, and what operators did."""

    sightings: Sequence[Sighting] = ()
    happenings: Sequence[Happening] = ()
    notes: Sequence[OperationNote] = ()


class SeenReader:
    """Tells what deliveries say. Not thread-safe."""

    def __init__(self, happenings: HappeningReader) -> None:
        self._happenings = happenings
        self._notes = NoteReader()

    def seen(self, deliveries: Sequence[Delivery]) -> Seen:
        """Return what a batch of deliveries, of whatever topics, says."""
        sightings: list[Sighting] = []
        happenings: list[Happening] = []
        notes: list[OperationNote] = []
        for one in deliveries:
            topic = one.coordinates.topic
            if topic == AUDIT:
                note = self._notes.note(one.record)
                notes += [note] if note is not None else []
            elif topic == OUTCOMES:
                happenings.extend(_outcomes(one))
            elif owner_of(topic):
                happenings.append(self._happenings.private(one))
            else:
                sightings.append(sighting_of(one))
        return Seen(sightings=sightings, happenings=happenings, notes=notes)


def _outcomes(delivery: Delivery) -> Iterator[Happening]:
    """Yield the outcomes that a record tells, but those that the index sees by itself or cannot keep."""
    for one in told_outcomes(delivery.record):
        # That an id came with other content the index sees in the topics.
        if one.kind is not Kind.CONFLICTING and one.origin.partition < MOST_PARTITIONS:
            yield one

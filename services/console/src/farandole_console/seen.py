"""Seen: what a batch of deliveries tells the index, made safe to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from farandole import Delivery
from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind
from farandole.flow.reading import HappeningReader
from farandole.outcomes import decode
from farandole.private_topics import owner_of

from farandole_console.operation_note import NoteReader, OperationNote
from farandole_console.sighting import Sighting, sighting_of

AUDIT: Final = "_farandole.audit"
OUTCOMES: Final = "_farandole.outcomes"
KINDS: Final = {"handled": Kind.HANDLED, "dropped": Kind.DROPPED, "skipped": Kind.SKIPPED}
"""That an id came with other content the index sees by itself."""
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
    """Yield the outcomes that a record tells, each with its place in it."""
    batch = decode(delivery.record.value)
    for ordinal, one in enumerate(batch.outcomes if batch is not None else ()):
        if batch is None or one.kind not in KINDS or one.partition >= MOST_PARTITIONS:
            continue
        yield Happening(
            kind=KINDS[one.kind],
            service=_kept(batch.service),
            source=_kept(one.source),
            event_id=_kept(one.event_id),
            type=_kept(one.type),
            subject="",
            flow_id=_kept(one.flow_id),
            at=delivery.record.appended,
            coordinates=delivery.coordinates,
            origin=Coordinates(topic=_kept(one.topic), partition=one.partition, offset=one.offset),
            ordinal=ordinal,
            attempt=one.attempt,
            operation=_kept(one.operation),
        )


def _kept(text: str) -> str:
    return text.replace("\x00", "\ufffd")

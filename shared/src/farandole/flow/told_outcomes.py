"""Told outcomes: what a record of the topic of outcomes tells, as happenings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from farandole.delivery import Coordinates, Record
from farandole.flow.happening import Happening, Kind
from farandole.outcomes import DeliveryOutcome, decode

KINDS: Final = {
    "handled": Kind.HANDLED,
    "dropped": Kind.DROPPED,
    "skipped": Kind.SKIPPED,
    "conflicting": Kind.CONFLICTING,
}


def told_outcomes(record: Record) -> Iterator[Happening]:
    """Yield what a worker told; nothing of a record that is none of a worker's."""
    batch = decode(record.value)
    if batch is None:
        return
    for ordinal, one in enumerate(batch.outcomes):
        yield _happening(record, ordinal, _clean(batch.service), one)


def _happening(record: Record, ordinal: int, service: str, one: DeliveryOutcome) -> Happening:
    return Happening(
        kind=KINDS[one.kind],
        service=service,
        source=_clean(one.source),
        event_id=_clean(one.event_id),
        type=_clean(one.type),
        subject="",
        flow_id=_clean(one.flow_id or one.event_id),
        at=record.appended,
        coordinates=record.coordinates,
        origin=Coordinates(topic=_clean(one.topic), partition=one.partition, offset=one.offset),
        ordinal=ordinal,
        attempt=one.attempt,
        operation=_clean(one.operation),
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")

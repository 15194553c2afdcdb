"""Letter: a dead letter as the desk keeps it, and the mark that puts one aside. Small, so that a million fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from farandole import headers as names
from farandole.dead_letters import TOO_LARGE, discarding, written
from farandole.delivery import Coordinates, Delivery
from farandole.desk.fingerprint import fingerprint, own_frame
from farandole.ledger import event_key
from farandole.store import inbox_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Which event a letter or a mark is about: ``key`` is the ledger's, ``remembered`` the inbox's (source, id)."""

    key: bytes
    source: str
    event_id: str
    replay_id: str
    type: str
    flow: str

    @property
    def remembered(self) -> tuple[str, str]:
        """Under what the inbox knows it."""
        return self.source, inbox_id(self.event_id, self.replay_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One dead letter, without its value: that is read again where it is needed.

    ``size`` is the length of the value, None where there is none. ``is_bare`` tells that the record was too large for
    a dead letter, so that only its headers are here. ``edited_from`` are the coordinates of the letter that it is an
    edited copy of, ``operation`` the id of the redrive, replay or edit that sent it or made it.
    """

    subject: Subject
    coordinates: Coordinates
    attempt: int
    round_start: int
    appended: datetime
    origin: Coordinates
    handler: str
    version: str
    error_class: str
    place: str
    fingerprint: str
    size: int | None
    is_bare: bool
    operation: str
    edited_from: str

    @property
    def is_edited(self) -> bool:
        """Whether somebody changed its payload."""
        return bool(self.edited_from)

    @property
    def is_untold(self) -> bool:
        """Whether what failed was lost with the worker: a copy of the letter may know it."""
        return self.error_class == "Unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Somebody put the dead letters of an event aside, up to ``attempt``, or, not ``discards``, opened them again."""

    subject: Subject
    coordinates: Coordinates
    attempt: int
    discards: bool
    appended: datetime
    operation: str


def read(delivery: Delivery) -> Letter | Mark:
    """Return what a record of a ``.dlq`` topic is. Nothing that it may hold raises."""
    discards = discarding(delivery)
    if discards is not None:
        return Mark(
            subject=subject_of(delivery),
            coordinates=delivery.coordinates,
            attempt=delivery.attempt,
            discards=discards,
            appended=delivery.record.appended,
            operation=delivery.operation,
        )
    return _letter(delivery, private_texts(delivery))


def _letter(delivery: Delivery, own: Mapping[str, str]) -> Letter:
    stack, error_class = own.get(names.ERROR_STACK, ""), own.get(names.ERROR_CLASS, "") or "Unknown"
    value = delivery.record.value
    frame = own_frame(stack)
    return Letter(
        subject=subject_of(delivery),
        coordinates=delivery.coordinates,
        attempt=delivery.attempt,
        round_start=delivery.round_start,
        appended=delivery.record.appended,
        origin=delivery.origin,
        handler=own.get(names.HANDLER, ""),
        version=own.get(names.SERVICE_VERSION, ""),
        error_class=error_class,
        place=str(frame or ""),
        fingerprint=fingerprint(error_class=error_class, stack=stack, event_type=delivery.envelope.type),
        size=None if value is None else len(value),
        is_bare=value is None and own.get(names.ERROR_MESSAGE, "").startswith(TOO_LARGE),
        operation=delivery.operation,
        edited_from=own.get(names.EDITED_FROM, ""),
    )


def subject_of(delivery: Delivery) -> Subject:
    """Return which event a record of a private topic is about."""
    envelope = delivery.envelope
    return Subject(
        key=event_key(envelope.source, envelope.id, delivery.replay_id),
        source=envelope.source,
        event_id=envelope.id,
        replay_id=delivery.replay_id,
        type=envelope.type,
        flow=envelope.correlation_id,
    )


def private_texts(delivery: Delivery) -> dict[str, str]:
    """Return the private headers of a record as text; the last of a name counts."""
    return {
        name: value.decode("utf-8", "replace")
        for name, value in delivery.record.headers
        if name.startswith(names.PRIVATE_PREFIX)
    }


def named(coordinates: Coordinates) -> str:
    """Write coordinates as headers and commands take them: ``topic|partition|offset``."""
    return written(coordinates)

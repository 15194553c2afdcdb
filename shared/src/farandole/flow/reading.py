"""Reading: what a record of any topic tells of an event. Pure but for the schema's look-up; raises on no content.

What an outcome topic holds is read by ``farandole.outcomes``: it is no record of an event.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from farandole import headers as names
from farandole.codec import Codec
from farandole.dead_letters import discarding
from farandole.delivery import Delivery, Record
from farandole.engine.intake import Intake
from farandole.errors import ContractError
from farandole.flow.happening import Happening, Kind
from farandole.personal import PersonalFields
from farandole.private_topics import AllPrivate, PrivateTopics
from farandole.redaction import personal_values, redacted
from farandole.schema import Catalogue

_PRIVATE: Final = re.compile(r"(?P<service>.+)\.(?P<what>retry\.\d+|redelivery|dlq)")
LONGEST_LINE: Final = 200
MOST_DIGITS: Final = 12
MOST_CAUSES: Final = 32
"""A join has a few; a header can name thousands."""
LONGEST: Final = 256
"""Of an id, a type or a name. Longer ones are cut, so that nobody fills an index with them."""
LONGEST_DELAY: Final = timedelta(days=14)
"""No retry record is kept longer."""
UNREADABLE: Final = "the payload cannot be read, so what the error said is not shown"


def service_of_private(topic: str) -> str:
    """Return whose private topic it is; empty for a topic of no service, as a domain topic is."""
    found = _PRIVATE.fullmatch(topic)
    return found["service"] if found else ""


class HappeningReader:
    """Reads records as the services do. ``cluster`` is the id that goes into the ids of bare records.

    Which service a private topic belongs to is read off its name. Not thread-safe.
    """

    def __init__(self, catalogue: Catalogue, *, cluster: str, domain: frozenset[str] | None = None) -> None:
        """``domain`` are the domain topics where they are known: a topic of that name is never taken for a private."""
        self._catalogue = catalogue
        self._cluster = cluster
        self._domain = frozenset(catalogue.topics) if domain is None else domain
        self._codec = Codec(catalogue)
        self._personal = PersonalFields(catalogue.versions)
        self._anybody = self._intake("", PrivateTopics(service="", tiers=0))
        self._private: dict[str, Intake] = {}

    def happening(self, record: Record) -> Happening:
        """Return what a record of a domain topic or of a private topic tells."""
        topic = record.coordinates.topic
        service = "" if topic in self._domain else service_of_private(topic)
        if not service:
            return self.emitted(self._anybody.delivery(record))
        intake = self._private.get(service)
        if intake is None:
            intake = self._private[service] = self._intake(service, AllPrivate(service=service, tiers=0))
        admitted = intake.admit(record)
        assert admitted is not None, "what lies on a private topic is always somebody's"
        return self.private(admitted.delivery)

    def emitted(self, delivery: Delivery) -> Happening:
        """Return what a delivery of a domain topic tells: that its event was emitted."""
        return happened(Kind.EMITTED, delivery, service=delivery.envelope.source)

    def private(self, delivery: Delivery) -> Happening:
        """Return what a delivery of a private topic tells, read with `AllPrivate`."""
        told = {name: value for name, value in delivery.record.headers if name.startswith(names.PRIVATE_PREFIX)}
        kind = _kind(delivery, told)
        found = happened(kind, delivery, service=delivery.service)
        if kind not in {Kind.RETRY, Kind.DEAD, Kind.EDITED}:
            return found
        message = _text(told.get(names.ERROR_MESSAGE, b""))
        return replace(
            found,
            handler=_text(told.get(names.HANDLER, b""))[:LONGEST],
            error_class=_text(told.get(names.ERROR_CLASS, b""))[:LONGEST],
            message=self._told(message, delivery.record.value),
            due=_due(delivery, told) if kind is Kind.RETRY else None,
        )

    def _told(self, message: str, value: bytes | None) -> str:
        """Return the first line of an error's message, without the personal values of the event that it is about."""
        line = message.strip().partition("\n")[0]
        if not line or value is None:
            return line[:LONGEST_LINE]
        try:
            schema, fields = self._codec.decode_any(value)
            hidden = personal_values(fields, self._personal.tree(schema))
        except ContractError:
            return UNREADABLE
        return redacted(line, hidden)[:LONGEST_LINE]

    def _intake(self, service: str, topics: PrivateTopics) -> Intake:
        return Intake(service=service, cluster=self._cluster, handlers={}, schemas=self._catalogue, topics=topics)


def happened(kind: Kind, delivery: Delivery, *, service: str) -> Happening:
    """Return a happening to the event of a delivery, at the delivery's own coordinates. Over-long names are cut.

    A flow id that is over-long is not believed: the event then stands for a flow of its own.
    """
    envelope = delivery.envelope
    event_id = _kept(envelope.id)
    believed = len(envelope.correlation_id) <= LONGEST
    return Happening(
        kind=kind,
        service=_kept(service),
        source=_kept(envelope.source),
        event_id=event_id,
        type=_kept(envelope.type),
        subject=_kept(envelope.subject),
        flow_id=_kept(envelope.correlation_id or envelope.id) if believed else event_id,
        at=delivery.record.appended,
        coordinates=delivery.coordinates,
        origin=delivery.origin,
        causation_id=_kept(envelope.causation_id) if envelope.causation_id else None,
        causes=tuple(map(_kept, envelope.causes[:MOST_CAUSES])),
        time=_kept(envelope.time),
        attempt=delivery.attempt,
        round_start=delivery.round_start,
        operation=delivery.operation,
        replay_id=delivery.replay_id,
        digest=delivery.digest,
    )


def _kind(delivery: Delivery, told: dict[str, bytes]) -> Kind:
    topic = delivery.coordinates.topic
    if topic.endswith(".dlq"):
        discards = discarding(delivery)
        if discards is not None:
            return Kind.DISCARDED if discards else Kind.REOPENED
        return Kind.EDITED if names.EDITED_FROM in told else Kind.DEAD
    if not topic.endswith(".redelivery") or names.DUE_AFTER_MS in told:
        return Kind.RETRY  # a service without tiers retries through its redelivery topic
    return Kind.REDRIVEN if delivery.attempt and delivery.first_failed is not None else Kind.REPLAYED


def _due(delivery: Delivery, told: dict[str, bytes]) -> datetime | None:
    """Return when a retry is due. Not the delivery's own word: without its handler nobody clamped the delay."""
    written = told.get(names.DUE_AFTER_MS, b"")
    if not (written.isdigit() and len(written) <= MOST_DIGITS):
        return None
    try:
        return delivery.record.appended + min(timedelta(milliseconds=int(written)), LONGEST_DELAY)
    except OverflowError:
        return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _kept(text: str) -> str:
    # PostgreSQL takes no NUL in text: one hostile header would stop an index for ever.
    return text[:LONGEST].replace("\x00", "\ufffd")

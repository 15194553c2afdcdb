"""Intake: what a record is to this service: a delivery for a handler, an unreadable one, or none of its business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from farandole import headers as names
from farandole.delivery import Coordinates, Delivery, Record
from farandole.envelope import Envelope, rfc3339
from farandole.errors import ContractError
from farandole.handler import Handler
from farandole.headers import Headers
from farandole.identity import bare_record_id
from farandole.private_topics import PrivateTopics
from farandole.schema import SchemaSource

MOST_ATTEMPTS: Final = 1_000_000
MOST_DIGITS: Final = 20
"""No number of ours is longer: Kafka's offsets have 19 digits."""
MOST_ATTRIBUTE_BYTES: Final = 8_192
"""Of one attribute of an envelope. Attributes are repeated in every follow-on and retry, so they must not grow them."""
MOST_SOURCE_BYTES: Final = 256
PREFIX_BYTES: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """A delivery and the handler that it is for; without one its type could not be told: it becomes a dead letter."""

    delivery: Delivery
    handler: Handler | None


class Intake:
    """Reads records for one service. Pure but for the look-up of schema ids; never raises on what a record holds."""

    def __init__(
        self,
        *,
        service: str,
        cluster: str,
        handlers: Mapping[str, Handler],
        schemas: SchemaSource,
        topics: PrivateTopics,
    ) -> None:
        self._service = service
        self._cluster = cluster
        self._handlers = handlers
        self._schemas = schemas
        self._topics = topics

    def admit(self, record: Record) -> Admitted | None:
        """Return the delivery that a record is, or None when no handler of this service hears its type."""
        private = self._topics.is_private(record.coordinates.topic)
        own = _private_headers(record.headers) if private else {}
        envelope = self._envelope(record)
        handler = self._handlers.get(envelope.type)
        if handler is None and envelope.type and not private:
            return None
        if handler is not None and not private and handler.event.avro.topic != record.coordinates.topic:
            return None
        return Admitted(delivery=self._delivery(record, envelope, own, handler), handler=handler)

    def delivery(self, record: Record) -> Delivery:
        """Return the delivery that a record of a domain topic is, whatever its type."""
        return self._delivery(record, self._envelope(record), {}, None)

    def _envelope(self, record: Record) -> Envelope:
        fallback = Envelope(
            id=bare_record_id(cluster=self._cluster, coordinates=record.coordinates),
            type="",
            source=record.coordinates.topic,
            subject=_subject(record.key or b""),
            time=rfc3339(record.appended),
            correlation_id="",
        )
        headers = [(name, value) for name, value in record.headers if _is_believable(name, value)]
        envelope = Envelope.parse(headers, fallback=fallback)
        if envelope.type:
            return envelope
        return replace(envelope, type=self._type_by_prefix(record.value))

    def _type_by_prefix(self, value: bytes | None) -> str:
        if value is None or len(value) < PREFIX_BYTES or value[0] != 0:
            return ""
        try:
            return self._schemas.by_id(int.from_bytes(value[1:PREFIX_BYTES], "big")).fullname
        except ContractError:
            return ""

    def _delivery(
        self, record: Record, envelope: Envelope, own: Mapping[str, str], handler: Handler | None
    ) -> Delivery:
        attempt = _count(own.get(names.ATTEMPT))
        attempt = attempt if attempt <= MOST_ATTEMPTS else 0
        longest = handler.policy.backoff.longest if handler else timedelta(0)
        delay = min(_count(own.get(names.DUE_AFTER_MS)), longest // timedelta(milliseconds=1))
        return Delivery(
            record=record,
            envelope=envelope,
            service=self._service,
            attempt=attempt,
            round_start=min(_count(own.get(names.ROUND)), attempt),
            origin=_coordinates(own.get(names.ORIGIN)) or record.coordinates,
            first_failed=_coordinates(own.get(names.FIRST_FAILED)),
            due=_later(record.appended, timedelta(milliseconds=delay)) if delay else None,
        )


def _is_believable(name: str, value: bytes) -> bool:
    """Refuse what a database or a topic would: a NUL, which PostgreSQL takes in no text, and what is far too long."""
    return b"\0" not in value and len(value) <= (MOST_SOURCE_BYTES if name == names.SOURCE else MOST_ATTRIBUTE_BYTES)


def _subject(key: bytes) -> str:
    return key.decode("utf-8", "replace") if _is_believable(names.SUBJECT, key) else ""


def _private_headers(headers: Headers) -> dict[str, str]:
    return {
        name: value.decode("utf-8", "replace")
        for name, value in headers
        if name.startswith(names.PRIVATE_PREFIX) and value
    }


def _count(text: str | None) -> int:
    """Read a non-negative number from a header; what is not one, or longer than any of ours, counts as zero."""
    return int(text) if text is not None and _is_number(text) else 0


def _is_number(text: str) -> bool:
    # "²" is a digit to `isdigit`, and `int` refuses it, as it does thousands of digits.
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _later(moment: datetime, delay: timedelta) -> datetime:
    try:
        return moment + delay
    except OverflowError:
        return moment


def _coordinates(text: str | None) -> Coordinates | None:
    parts = (text or "").rsplit("|", 2)
    if len(parts) != 3 or not (_is_number(parts[1]) and _is_number(parts[2])):
        return None
    return Coordinates(topic=parts[0], partition=int(parts[1]), offset=int(parts[2]))

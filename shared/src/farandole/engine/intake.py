"""Intake: what a record is to this service: a delivery for a handler, an unreadable one, or none of its business."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from farandole import headers as names
from farandole.delivery import Coordinates, Delivery, Record, Replay, is_operation_id
from farandole.engine.refusals import misnamed, misplaced, nameless, unheard, unreplayable
from farandole.envelope import Envelope, rfc3339
from farandole.errors import ContractError, UndecodableError
from farandole.handler import Handler
from farandole.headers import Headers
from farandole.identity import bare_record_id
from farandole.private_topics import PrivateTopics
from farandole.schema import SchemaSource
from farandole.store import REPLAY_SEPARATOR

MOST_ATTEMPTS: Final = 1_000_000
MOST_DIGITS: Final = 20
"""No number of ours is longer: Kafka's offsets have 19 digits."""
MOST_ATTRIBUTE_BYTES: Final = 8_192
"""Of one attribute of an envelope. Attributes are repeated in every follow-on and retry, so they must not grow them."""
MOST_SOURCE_BYTES: Final = 256
PREFIX_BYTES: Final = 5
SEPARATOR: Final = REPLAY_SEPARATOR.encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """A delivery, and the handler that it is for or the reason why it is for none and becomes a dead letter."""

    delivery: Delivery
    handler: Handler | None
    refusal: UndecodableError | None = None

    @property
    def is_untold(self) -> bool:
        """Whether the type may yet be told, by whoever knows the schema id. It is not to be claimed before."""
        untyped = self.handler is None and not self.delivery.envelope.type
        return untyped and _schema_id(self.delivery.record.value) is not None


class Intake:
    """Reads records for one service. Pure but for the look-up of schema ids; never raises on what a record holds.

    A record without a type in its headers has the type of its schema id. Where only a registry may know that id,
    `admit` and `delivery` leave the type empty, and `told` and `observed` ask.
    """

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
        topic, envelope = record.coordinates.topic, self._envelope(record)
        handler = self._handlers.get(envelope.type)
        private = self._topics.is_private(topic)
        own = _private_headers(record.headers) if private else {}
        if names.REPLAY in own and not is_operation_id(own[names.REPLAY]):
            # Taken for a delivery of the mesh itself it would be handled without the limits that a replay sets.
            return self._disbelieved(record, envelope, unreplayable())
        if handler is not None and (private or handler.event.avro.topic == topic):
            return Admitted(delivery=self._delivery(record, envelope, own, handler), handler=handler)
        if private:
            delivery = self._delivery(record, envelope, own, None)
            return _refused(delivery, unheard(envelope.type, service=self._service))
        if handler is not None:
            return self._disbelieved(record, envelope, misplaced(envelope, topic=topic, right=handler.event.avro.topic))
        if not envelope.type:
            return _refused(self._delivery(record, envelope, {}, None), nameless())
        return self._passed_over(record, envelope)

    def _passed_over(self, record: Record, envelope: Envelope) -> Admitted | None:
        """Return None for a type that no handler hears, unless its bytes are of one that is heard on this topic."""
        by_bytes = self._type_by_prefix(record.value)
        hidden = self._handlers.get(by_bytes)
        if hidden is None or hidden.event.avro.topic != record.coordinates.topic:
            return None
        return self._disbelieved(record, replace(envelope, type=by_bytes), misnamed(envelope, by_bytes=by_bytes))

    def _disbelieved(self, record: Record, envelope: Envelope, refusal: UndecodableError) -> Admitted:
        """Refuse a record under an id made of its place: it must not take the place of the event that it says it is."""
        place = self._by_place(record)
        own = replace(envelope, id=place.id, source=place.source)
        return _refused(self._delivery(record, own, {}, None), refusal)

    async def told(self, record: Record) -> Admitted | None:
        """Return what `admit` does, once whoever may know the type was asked. Raises RegistryUnavailableError."""
        await self._learn(record.value)
        return self.admit(record)

    async def observed(self, record: Record) -> Delivery:
        """Return what `delivery` does, once whoever may know the type was asked. Raises RegistryUnavailableError."""
        delivery = self.delivery(record)
        if delivery.envelope.type:
            return delivery
        await self._learn(record.value)
        return self.delivery(record)

    def delivery(self, record: Record) -> Delivery:
        """Return the delivery that a record of a domain topic is, whatever its type."""
        return self._delivery(record, self._envelope(record), {}, None)

    def private(self, record: Record, owner: str) -> Delivery:
        """Return the delivery that a record on a private topic of ``owner`` says it is, as an outsider reads it."""
        own = _private_headers(record.headers)
        return replace(self._delivery(record, self._envelope(record), own, None), service=owner)

    def _by_place(self, record: Record) -> Envelope:
        """Return the envelope of a record that has none: it is told apart by its place alone."""
        return Envelope(
            id=bare_record_id(cluster=self._cluster, coordinates=record.coordinates),
            type="",
            source=record.coordinates.topic,
            subject=_subject(record.key or b""),
            time=rfc3339(record.appended),
            correlation_id="",
        )

    def _envelope(self, record: Record) -> Envelope:
        fallback = self._by_place(record)
        headers = [(name, value) for name, value in record.headers if _is_believable(name, value)]
        envelope = Envelope.parse(headers, fallback=fallback)
        if envelope.type:
            return envelope
        return replace(envelope, type=self._type_by_prefix(record.value))

    async def _learn(self, value: bytes | None) -> None:
        schema_id = _schema_id(value)
        if schema_id is not None:
            with suppress(ContractError):  # that nobody knows it is an answer
                await self._schemas.learn(schema_id)

    def _type_by_prefix(self, value: bytes | None) -> str:
        schema_id = _schema_id(value)
        try:
            return "" if schema_id is None else self._schemas.by_id(schema_id).fullname
        except Exception:  # a source may raise anything, and what it does not know now is asked for in the lane
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
            operation=_operation(own.get(names.OPERATION, "")),
            replay=_replay(own),
        )


def _refused(delivery: Delivery, refusal: UndecodableError) -> Admitted:
    return Admitted(delivery=delivery, handler=None, refusal=refusal)


def _schema_id(value: bytes | None) -> int | None:
    if value is None or len(value) < PREFIX_BYTES or value[0] != 0:
        return None
    return int.from_bytes(value[1:PREFIX_BYTES], "big")


def _is_believable(name: str, value: bytes) -> bool:
    """Refuse what a database or a topic would: a NUL, which PostgreSQL takes in no text, and what is far too long.

    And an id that the inbox could take for that of another event in a replay.
    """
    if b"\0" in value or (name == names.ID and SEPARATOR in value):
        return False
    return len(value) <= (MOST_SOURCE_BYTES if name == names.SOURCE else MOST_ATTRIBUTE_BYTES)


def _subject(key: bytes) -> str:
    return key.decode("utf-8", "replace") if _is_believable(names.SUBJECT, key) else ""


def _private_headers(headers: Headers) -> dict[str, str]:
    return {
        name: value.decode("utf-8", "replace")
        for name, value in headers
        if name.startswith(names.PRIVATE_PREFIX) and (value or name == names.REPLAY)
    }


def _operation(text: str) -> str:
    return text if is_operation_id(text) else ""


def _replay(own: Mapping[str, str]) -> Replay | None:
    if not is_operation_id(own.get(names.REPLAY, "")):
        return None
    return Replay(id=own[names.REPLAY], effects=own.get(names.EFFECTS) == "1", cascade=own.get(names.CASCADE) == "1")


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

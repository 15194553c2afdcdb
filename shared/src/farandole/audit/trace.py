"""Trace: one record about an event, as the audit keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from farandole.delivery import Coordinates, Delivery
from farandole.ledger import event_key
from farandole.store.entry import inbox_id


class Trace(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A record about an event: on a domain topic, in a retry tier, or (``is_letter``) a dead letter.

    ``discards`` is there where it is neither, but the mark of an operator, who put the event's dead letters aside or
    opened them again. ``heard`` is False where the service does not listen, a tier of the past. ``appended`` is in
    seconds since 1970.
    What an ``again`` replay makes of an event is an event of its own to ledger, inbox and audit: ``key`` says so.
    """

    key: bytes
    source: str
    event_id: str
    type: str
    topic: str
    partition: int
    offset: int
    attempt: int
    appended: float
    heard: bool = True
    is_letter: bool = False
    replay_id: str = ""
    discards: bool | None = None

    @property
    def inbox_key(self) -> tuple[str, str]:
        """Under which key the service's inbox knows it."""
        return self.source, inbox_id(self.event_id, self.replay_id)

    @property
    def coordinates(self) -> Coordinates:
        """Where the record lies."""
        return Coordinates(topic=self.topic, partition=self.partition, offset=self.offset)


def trace_of(delivery: Delivery, *, heard: bool = True, is_letter: bool = False, discards: bool | None = None) -> Trace:
    """Return the trace that a delivery is."""
    envelope, record = delivery.envelope, delivery.record
    return Trace(
        key=event_key(envelope.source, envelope.id, delivery.replay_id),
        source=envelope.source,
        event_id=envelope.id,
        type=envelope.type,
        topic=record.coordinates.topic,
        partition=record.coordinates.partition,
        offset=record.coordinates.offset,
        attempt=delivery.attempt,
        appended=record.appended.timestamp(),
        heard=heard,
        is_letter=is_letter,
        replay_id=delivery.replay_id,
        discards=discards,
    )


def named_after(traces: Iterable[Trace]) -> Trace | None:
    """Return the trace that an event is best named after: the earliest attempt, on a domain topic if there is one."""
    records = [one for one in traces if one.discards is None]
    return min(records, key=lambda one: (one.attempt, one.is_letter, one.appended), default=None)


_packer: Final = msgspec.msgpack.Encoder()
_unpacker: Final = msgspec.msgpack.Decoder(Trace)


def packed(trace: Trace) -> bytes:
    """Return a trace as bytes."""
    return _packer.encode(trace)


def unpacked(packed_trace: bytes) -> Trace:
    """Return the trace that ``packed`` made bytes of."""
    return _unpacker.decode(packed_trace)

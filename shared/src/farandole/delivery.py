"""Delivery: one record of an event as one service receives it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from farandole.envelope import Envelope
from farandole.headers import Headers

HEADER_BYTES: Final = 100
"""What a header takes in memory, however little it says."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Coordinates:
    """Where a record lies. ``topic_id`` tells a recreated topic from the one before (empty where unknown)."""

    topic: str
    partition: int
    offset: int
    topic_id: str = ""

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One Kafka record as it was fetched, before anything was believed about it.

    ``appended`` is the broker's append time (UTC), ``assignment`` the number of the partition assignment under which
    the record was fetched: only that assignment may commit its offset.
    """

    coordinates: Coordinates
    key: bytes | None
    value: bytes | None
    headers: Headers
    appended: datetime
    assignment: int = 0
    weight: int = field(init=False, compare=False)
    """How many bytes it takes in memory, about. Weighed once: each bound on the way of a record asks for it."""

    def __post_init__(self) -> None:
        headers = sum(len(value) for _, value in self.headers) + HEADER_BYTES * len(self.headers)
        object.__setattr__(self, "weight", len(self.value or b"") + len(self.key or b"") + headers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One record of an event as one service receives it.

    ``attempt`` counts from 0 and grows through retries and redrives; it is believed only on the service's own private
    topics. ``round_start`` is the attempt with which the latest redrive began: backoff counts from it.
    ``origin`` are the coordinates on the domain topic, also where the delivery came through a private topic.
    """

    record: Record
    envelope: Envelope
    service: str
    attempt: int = 0
    round_start: int = 0
    origin: Coordinates
    first_failed: Coordinates | None = None
    due: datetime | None = field(default=None, compare=False)

    @property
    def event_id(self) -> str:
        """The event's id: the idempotency key for every outside system."""
        return self.envelope.id

    @property
    def coordinates(self) -> Coordinates:
        """Where this very record lies."""
        return self.record.coordinates

    @property
    def digest(self) -> int:
        """The checksum by which two contents under one id are told apart."""
        return zlib.crc32(self.record.value or b"")

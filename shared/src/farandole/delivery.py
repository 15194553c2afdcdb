"""Delivery: one record of an event as one service receives it."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from farandole.envelope import Envelope
from farandole.headers import Headers

HEADER_BYTES: Final = 100
"""What a header takes in memory, however little it says."""
_OPERATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_operation_id(text: str) -> bool:
    """Say whether a text can be the id of an operation or of a replay: 64 letters, digits, dots and dashes at most."""
    return _OPERATION_ID.fullmatch(text) is not None


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
class Replay:
    """The ``again`` replay that a delivery belongs to: it is handled anew, under the key (event id, replay id).

    With ``effects`` handlers that touch an outside system run too. With ``cascade`` follow-ons are published, under ids
    of the replay's own; without it none are. Raises ValueError where the id is none (`is_operation_id`).
    """

    id: str
    effects: bool = False
    cascade: bool = False

    def __post_init__(self) -> None:
        if not is_operation_id(self.id):
            raise ValueError(f"{self.id!r} cannot be the id of a replay")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One record of an event as one service receives it.

    ``attempt`` counts from 0 and grows through retries and redrives; it is believed only on the service's own private
    topics. ``round_start`` is the attempt with which the latest redrive began: backoff counts from it.
    ``origin`` are the coordinates on the domain topic, also where the delivery came through a private topic.
    ``operation`` is the id of the redrive or replay that sent the record, empty where none did; ``replay`` is there
    where it is one that handles events again.
    """

    record: Record
    envelope: Envelope
    service: str
    attempt: int = 0
    round_start: int = 0
    origin: Coordinates
    first_failed: Coordinates | None = None
    due: datetime | None = field(default=None, compare=False)
    operation: str = ""
    replay: Replay | None = None

    @property
    def event_id(self) -> str:
        """The event's id: the idempotency key for every outside system, also when it is handled again."""
        return self.envelope.id

    @property
    def replay_id(self) -> str:
        """The id of the replay that handles the event again; empty in every other delivery."""
        return self.replay.id if self.replay is not None else ""

    @property
    def coordinates(self) -> Coordinates:
        """Where this very record lies."""
        return self.record.coordinates

    @property
    def digest(self) -> int:
        """The checksum by which two contents under one id are told apart."""
        return zlib.crc32(self.record.value or b"")

"""Reading: a client's message as a record."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import methodcaller
from typing import Any, Final

import structlog
from confluent_kafka import Message, TopicPartition

from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Partition
from farandole.headers import Headers, kept

log = structlog.get_logger(__name__)

_READ_HEADERS: Final = methodcaller("headers")
"""Not ``message.headers()``: at a name that is not UTF-8 the client leaves an error and returns a tuple with a hole.
Called from C, that is a SystemError; Python's own fast call of a C function does not look, and the process crashes."""


def partition_of(one: TopicPartition) -> Partition:
    """Return what the client means."""
    return Partition(topic=one.topic, number=one.partition)


def origin_of(message: Message) -> Partition:
    """Return the partition that a message came from."""
    return Partition(topic=str(message.topic()), number=int(message.partition() or 0))


def record_of(message: Message, *, assignment: int) -> Record:
    """Return a message as a record, fetched under this assignment. Raises nothing, whatever the message holds."""
    _, millis = message.timestamp()
    origin = origin_of(message)
    return Record(
        coordinates=Coordinates(topic=origin.topic, partition=origin.number, offset=int(message.offset() or 0)),
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=headers_of(message),
        appended=moment_of(millis),
        assignment=assignment,
    )


def headers_of(message: Message) -> Headers:
    """Return a record's headers; none where a name is not UTF-8, which other clients may write and ours cannot read."""
    return kept(raw_headers_of(message))


def raw_headers_of(message: Message) -> Any:
    """Return a record's headers as the client has them: pairs of which the value may be None; as `headers_of` else."""
    try:
        return _READ_HEADERS(message) or ()
    except (UnicodeDecodeError, SystemError):
        log.warning("the headers of a record cannot be read", topic=message.topic(), offset=message.offset())
        return ()


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def moment_of(millis: int) -> datetime:
    """Return the broker's time; what no calendar holds is taken as the epoch's beginning."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)

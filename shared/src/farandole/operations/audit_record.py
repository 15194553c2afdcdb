"""AuditRecord: what the audit topic keeps of operations: that they began, how far they came, how they ended.

Whoever has more to keep declares a class of its own beneath ``AuditRecord``; its name, in lower case, is the ``kind``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from farandole.errors import OperationError
from farandole.operations.operation import Moment, Name, Operation, Words

VERSION: Final = 1
MOST_BYTES: Final = 1_000_000
MOST_PARTITIONS: Final = 10_000

Result = Literal["done", "failed", "cancelled"]
Wish = Literal["pause", "resume", "cancel"]
Count = Annotated[int, Meta(ge=0)]
Counts = Annotated[dict[Name, Count], Meta(max_length=1_000)]
Marks = Annotated[dict[Count, Count], Meta(max_length=MOST_PARTITIONS)]
"""Offsets by partition of a redelivery topic: where to begin reading back what an operation has sent."""


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=str.lower):
    """A record of the audit topic, about the operation whose id is ``operation``.

    Fields may be added with a default, and are never taken away: readers of any version meet records of any other.
    """

    operation: Name
    at: Moment
    version: int = VERSION


class Began(AuditRecord, frozen=True, kw_only=True):
    """An operation is about to begin. Nothing was done before this was acknowledged.

    ``marks`` are the ends of the redelivery topic at that moment; ``details`` says what it is about, in few words.
    """

    begun: Operation
    marks: Marks = {}
    details: dict[str, Any] = {}


class Resumed(AuditRecord, frozen=True, kw_only=True):
    """An operation that was interrupted goes on, from another process."""

    who: Name
    why: Words = ""
    command: str = ""


class Checkpoint(AuditRecord, frozen=True, kw_only=True):
    """How far an operation came: whatever lies before ``through`` was sent, and lies before ``marks``.

    ``through`` is the next offset by what was read: ``{"orders|3": 1200}``.
    """

    marks: Marks
    through: Annotated[dict[Name, Count], Meta(max_length=MOST_PARTITIONS)] = {}
    counts: Counts = {}


class Asked(AuditRecord, frozen=True, kw_only=True):
    """Somebody asks the process that runs an operation to pause, to resume or to cancel it."""

    wish: Wish
    who: Name
    why: Words = ""


class Ended(AuditRecord, frozen=True, kw_only=True):
    """How an operation ended."""

    result: Result
    counts: Counts = {}
    why: Words = ""
    details: dict[str, Any] = {}


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every record says of itself, whatever its kind."""

    kind: Name
    operation: Name


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """A record as it was read, and where it lies."""

    offset: int
    record: AuditRecord


KINDS: Final[tuple[type[AuditRecord], ...]] = (Began, Resumed, Checkpoint, Asked, Ended)
_heads: Final = msgspec.json.Decoder(Head)


class Decoding:
    """Reads records of these kinds. What is of another kind is passed over; what is no record at all is ``foreign``."""

    def __init__(self, kinds: tuple[type[AuditRecord], ...]) -> None:
        self._decoders: Mapping[str, msgspec.json.Decoder[Any]] = {
            one.__name__.lower(): msgspec.json.Decoder(one) for one in kinds
        }
        self.foreign = 0

    def decode(self, value: bytes | None, *, operation: str = "") -> AuditRecord | None:
        """Return a record; None where it is of another kind or (where one is named) operation, or foreign."""
        if value is None or len(value) > MOST_BYTES:
            self.foreign += 1
            return None
        try:
            head = _heads.decode(value)
            decoder = self._decoders.get(head.kind)
            if decoder is None or operation not in {"", head.operation}:
                return None
            record: AuditRecord = decoder.decode(value)
            for moment in (record.at, *((record.begun.at,) if isinstance(record, Began) else ())):
                moment.astimezone(UTC)  # at the ends of the calendar there is none
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            self.foreign += 1
            return None
        return record


def encoded(record: AuditRecord) -> bytes:
    """Return the record as JSON. Raises OperationError where it could not be read again."""
    value = msgspec.json.encode(record)
    try:
        # The encoder does not look at types, and what does not fit a reader would pass over as foreign.
        msgspec.json.decode(value, type=type(record))
    except msgspec.ValidationError as unfit:
        raise OperationError(
            f"what is to be recorded of {record.operation} could not be read again",
            why=str(unfit),
            do="nothing was done; tell whoever maintains Farandole",
        ) from unfit
    return value

"""Selected: a record that a scan selected, as raw as it came; what it means is worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Partition
from farandole.envelope import Envelope
from farandole.errors import UndecodableError
from farandole.headers import kept
from farandole.kafka.reading import moment_of
from farandole.schema import EventSchema
from farandole.selection.reading import Reading


class Selected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A selected record.

    A struct of the raw parts, since a million of them are made and most are looked at once: `record`, `envelope` and
    `event` are worked out anew each time. ``millis`` is the broker's time, ``weight`` its bytes in memory, about.
    """

    partition: Partition
    offset: int
    millis: int
    key: bytes | None
    value: bytes | None
    raw_headers: Any
    weight: int
    reading: Reading

    @property
    def coordinates(self) -> Coordinates:
        """Where it lies."""
        return Coordinates(topic=self.partition.topic, partition=self.partition.number, offset=self.offset)

    @property
    def appended(self) -> datetime:
        """The broker's time, in UTC."""
        return moment_of(self.millis)

    @property
    def record(self) -> Record:
        """The record, as the engine has it."""
        return Record(
            coordinates=self.coordinates,
            key=self.key,
            value=self.value,
            headers=kept(self.raw_headers),
            appended=self.appended,
        )

    @property
    def envelope(self) -> Envelope:
        """Its envelope, as each service reads it."""
        return self.reading.envelope(self.record)

    @property
    def event(self) -> tuple[EventSchema, Mapping[str, Any]]:
        """The schema that it was written with, and its decoded fields.

        Raises UndecodableError and UnknownSchemaError.
        """
        if self.value is None:
            raise UndecodableError("the record has no value", why="it is null", do="look at its key and headers")
        return self.reading.codec.decode_any(self.value)

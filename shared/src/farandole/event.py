"""Event: a fact in the past tense, immutable, typed by an Avro schema."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from farandole.schema import EventSchema


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a record inside an event: an address, an order line."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every generated event class; its fields are those of the Avro record.

    ``avro`` names the schema that the class was generated from: its id, topic and key field.
    Events are values: frozen, compared by content, safe to share between threads.
    """

    avro: ClassVar[EventSchema]

    @property
    def key(self) -> str:
        """The Kafka key: the field that the schema names as its key. Events of one key keep their order."""
        return str(getattr(self, self.avro.key))

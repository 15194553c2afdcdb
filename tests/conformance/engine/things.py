"""Events of a test's own: each test has topics of its own, so one broker serves them all."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from farandole.event import Event
from farandole.schema import EventSchema

_ids = itertools.count(900_001)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a thing; two bytes at the least, and a hundred times that in memory."""

    name: str
    count: int


class Asked(Event, frozen=True, kw_only=True):
    """A question about a thing, with a field of every kind that bytes can be wrong about."""

    avro: ClassVar[EventSchema]
    thing: str
    text: str = ""
    parts: tuple[Part, ...] = ()
    at: datetime | None = None
    size: int = 0
    sure: bool = False


class Answered(Event, frozen=True, kw_only=True):
    """The answer to it."""

    avro: ClassVar[EventSchema]
    thing: str
    text: str = ""


class Noted(Event, frozen=True, kw_only=True):
    """Something that a timer or a request noted."""

    avro: ClassVar[EventSchema]
    thing: str
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Things:
    """The event classes of one test. ``tag`` names its service and its topics."""

    tag: str
    asked: type[Asked]
    answered: type[Answered]
    noted: type[Noted]


TEXT: list[dict[str, Any]] = [
    {"name": "thing", "type": "string"},
    {"name": "text", "type": "string", "default": ""},
]
PART = {
    "type": "record",
    "name": "Part",
    "fields": [{"name": "name", "type": "string"}, {"name": "count", "type": "int"}],
}
MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
MORE: list[dict[str, Any]] = [
    {"name": "parts", "type": {"type": "array", "items": PART}, "default": []},
    {"name": "at", "type": ["null", MOMENT], "default": None},
    {"name": "size", "type": "long", "default": 0},
    {"name": "sure", "type": "boolean", "default": False},
]


def things(tag: str) -> Things:
    """Make event classes whose topics nobody else uses."""
    return Things(
        tag=tag,
        asked=_bound(Asked, tag, [*TEXT, *MORE]),
        answered=_bound(Answered, tag, TEXT),
        noted=_bound(Noted, tag, TEXT),
    )


def _bound(base: type[Event], tag: str, fields: list[dict[str, Any]]) -> type:
    name = base.__name__
    topic = f"{tag}-{name.lower()}"
    schema = {"type": "record", "name": name, "namespace": f"farandole.{tag}", "key": "thing", "fields": fields}
    avro = EventSchema(
        id=next(_ids), name=name, fullname=f"farandole.{tag}.{name}", topic=topic, key="thing", version=1, avsc=schema
    )
    return type(name, (base,), {"avro": avro, "__annotations__": {}}, frozen=True, kw_only=True)

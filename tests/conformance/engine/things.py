"""Events of a test's own: each test has topics of its own, so one broker serves them all."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

from farandole.event import Event
from farandole.schema import EventSchema

_ids = itertools.count(900_001)


class Asked(Event, frozen=True, kw_only=True):
    """A question about a thing."""

    avro: ClassVar[EventSchema]
    thing: str
    text: str = ""


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


def things(tag: str) -> Things:
    """Make event classes whose topics nobody else uses."""
    return Things(tag=tag, asked=_bound(Asked, tag), answered=_bound(Answered, tag), noted=_bound(Noted, tag))


def _bound(base: type[Event], tag: str) -> type:
    name = base.__name__
    topic = f"{tag}-{name.lower()}"
    schema = {
        "type": "record",
        "name": name,
        "namespace": f"farandole.{tag}",
        "key": "thing",
        "fields": [{"name": "thing", "type": "string"}, {"name": "text", "type": "string", "default": ""}],
    }
    avro = EventSchema(
        id=next(_ids), name=name, fullname=f"farandole.{tag}.{name}", topic=topic, key="thing", version=1, avsc=schema
    )
    return type(name, (base,), {"avro": avro, "__annotations__": {}}, frozen=True, kw_only=True)

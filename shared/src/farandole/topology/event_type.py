"""EventType: an event type as the topology knows it."""

from __future__ import annotations

from dataclasses import dataclass

from farandole.schema import EventSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class EventType:
    """One event type: its full name, the topic that carries it, and its key. ``doc`` is its schema's sentence."""

    name: str
    fullname: str
    topic: str
    key: str
    version: int
    doc: str = ""


def event_type_of(schema: EventSchema) -> EventType:
    """Return the event type of a schema."""
    return EventType(
        name=schema.name,
        fullname=schema.fullname,
        topic=schema.topic,
        key=schema.key,
        version=schema.version,
        doc=str(schema.avsc.get("doc", "")),
    )

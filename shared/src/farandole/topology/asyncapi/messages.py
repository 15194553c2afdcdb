"""Messages: the event types, as they lie on each kind of topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from farandole.topology.asyncapi.headers import PLAIN
from farandole.topology.asyncapi.paper import Paper
from farandole.topology.asyncapi.reference import ref
from farandole.topology.event_type import EventType

AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
BINDING: Final = "0.5.0"
"""The version of the Kafka bindings."""


def message_name(event: EventType, kind: str) -> str:
    """Return the name of an event type's message on a kind of topic."""
    return event.fullname if kind == PLAIN else f"{event.fullname}.{kind}"


def message(paper: Paper, event: EventType, kind: str) -> Mapping[str, Any]:
    """Return the message of an event type on a kind of topic."""
    payload = {"payload": ref("components", "schemas", event.fullname)} if event.fullname in paper.schemas else {}
    return {
        "name": event.fullname,
        "title": event.name,
        **({"summary": event.doc} if event.doc else {}),
        "headers": ref("components", "schemas", kind),
        **payload,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": event.key},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "RecordNameStrategy",
                "bindingVersion": BINDING,
            }
        },
    }


def payload(paper: Paper, event: EventType) -> Mapping[str, Any]:
    """Return the schema of an event type's payload."""
    return {"schemaFormat": AVRO, "schema": paper.schemas[event.fullname].avsc}

"""Document: a topology as an AsyncAPI 3.0 document, of the whole mesh or of one of its services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from farandole.topology.asyncapi.channels import domain_channels, private_channels
from farandole.topology.asyncapi.headers import PLAIN, PRIVATE, headers_of
from farandole.topology.asyncapi.messages import message, message_name, payload
from farandole.topology.asyncapi.operations import operations as operations_of
from farandole.topology.asyncapi.paper import Paper
from farandole.topology.event_type import EventType

VERSION: Final = "3.0.0"


def asyncapi(paper: Paper) -> Mapping[str, Any]:
    """Return the document. Equal topologies have equal documents."""
    operations: dict[str, Any] = {}
    for service in paper.services:
        operations |= operations_of(paper, service)
    domain = _domain(paper)
    events = [one for types in domain.values() for one in types]
    channels = dict(domain_channels(domain))
    for service in paper.services:
        channels |= private_channels(paper, service)
    kinds = [PLAIN, *(PRIVATE if any(one.private_topics for one in paper.services) else ())]
    return {
        "asyncapi": VERSION,
        "info": {"title": paper.title, "version": paper.version, "description": _description(paper)},
        "defaultContentType": "application/avro",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {message_name(one, kind): message(paper, one, kind) for one in events for kind in kinds},
            "schemas": {
                **{kind: headers_of(kind) for kind in kinds},
                **{one.fullname: payload(paper, one) for one in events if one.fullname in paper.schemas},
            },
        },
    }


def _domain(paper: Paper) -> Mapping[str, tuple[EventType, ...]]:
    """Return the event types that matter to the document by their topics."""
    touched = {one.event for one in paper.topology.hearings if one.service == paper.only}
    touched |= {one.event for one in paper.topology.emissions if one.service == paper.only}
    observes = any(one.service == paper.only for one in paper.topology.observations)
    kept = [one for one in paper.topology.events if not paper.only or observes or one.fullname in touched]
    return {topic: tuple(one for one in kept if one.topic == topic) for topic in {one.topic for one in kept}}


def _description(paper: Paper) -> str:
    sheet = paper.topology.service(paper.only)
    if sheet is None:
        return f"Every event of the mesh, and what its {len(paper.services)} services hear and emit."
    needs = f" Its handlers need {', '.join(sheet.dependencies)}." if sheet.dependencies else ""
    return f"What the service {sheet.name} hears and emits.{needs}"

"""Operations: what each service receives and sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farandole.topology.asyncapi.headers import kind_of
from farandole.topology.asyncapi.messages import BINDING
from farandole.topology.asyncapi.paper import Paper
from farandole.topology.asyncapi.reference import ref
from farandole.topology.edge import Through
from farandole.topology.sheet import ServiceSheet
from farandole.topology.topology import Topology


def operations(paper: Paper, service: ServiceSheet) -> Mapping[str, Any]:
    """Return what a service receives and sends."""
    topology = paper.topology
    hears: dict[str, dict[str, list[str]]] = {}
    emits: dict[str, dict[str, list[str]]] = {}
    for edge in topology.hearings:
        if edge.service == service.name and (event := topology.event(edge.event)) is not None:
            by = f"{edge.place.function} hears {event.name}" if edge.through is Through.HANDLER else f"{event.name}"
            hears.setdefault(event.topic, {}).setdefault(event.fullname, []).append(by)
    for sent in topology.emissions:
        if sent.service == service.name and (event := topology.event(sent.event)) is not None:
            by = f"{sent.place.function or sent.through.value} emits {event.name}"
            emits.setdefault(event.topic, {}).setdefault(event.fullname, []).append(by)
    name = service.name
    found = {f"{name}.receive.{topic}": _operation("receive", topic, types, name) for topic, types in hears.items()}
    found |= {f"{name}.send.{topic}": _operation("send", topic, types) for topic, types in emits.items()}
    if any(one.service == name for one in topology.observations):
        found |= _observing(topology, service)
    return {**found, **_private_operations(paper, service)}


def _observing(topology: Topology, service: ServiceSheet) -> Mapping[str, Any]:
    by_topic: dict[str, dict[str, list[str]]] = {}
    for event in topology.events:
        by_topic.setdefault(event.topic, {})[event.fullname] = []
    group = service.read_model or f"{service.name}.observer"
    return {
        f"{service.name}.observe.{topic}": _operation("receive", topic, types, group)
        for topic, types in by_topic.items()
    }


def _private_operations(paper: Paper, service: ServiceSheet) -> Mapping[str, Any]:
    types: Mapping[str, list[str]] = {one.fullname: [] for one in paper.heard_by_handlers(service)}
    found: dict[str, Any] = {}
    for topic in service.private_topics:
        kind = kind_of(topic)
        if kind != "dlq":
            found[f"{service.name}.receive.{topic}"] = _operation("receive", topic, types, service.name)
        if kind != "redelivery" or not service.tiers:
            found[f"{service.name}.send.{topic}"] = _operation("send", topic, types)
    return found


def _operation(action: str, topic: str, types: Mapping[str, list[str]], group: str = "") -> Mapping[str, Any]:
    bindings: dict[str, Any] = {"bindingVersion": BINDING}
    if group:
        bindings = {"groupId": {"type": "string", "enum": [group]}, **bindings}
    by = sorted({one for several in types.values() for one in several})
    return {
        "action": action,
        "channel": ref("channels", topic),
        **({"description": "; ".join(by)} if by else {}),
        "messages": [ref("channels", topic, "messages", fullname) for fullname in sorted(types)],
        "bindings": {"kafka": bindings},
    }

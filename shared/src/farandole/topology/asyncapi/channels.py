"""Channels: the topics of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from farandole.kafka.topics import Topic, domain_topic, private_topics
from farandole.private_topics import PrivateTopics
from farandole.topology.asyncapi.headers import PLAIN, kind_of
from farandole.topology.asyncapi.messages import BINDING, message_name
from farandole.topology.asyncapi.paper import Paper
from farandole.topology.asyncapi.reference import ref
from farandole.topology.event_type import EventType
from farandole.topology.sheet import ServiceSheet


def domain_channels(domain: Mapping[str, Iterable[EventType]]) -> Mapping[str, Any]:
    """Return the domain topics, with the event types that lie on them."""
    return {topic: _channel(domain_topic(topic, partitions=1), types) for topic, types in sorted(domain.items())}


def private_channels(paper: Paper, service: ServiceSheet) -> Mapping[str, Any]:
    """Return the topics of a service on which its retries, redeliveries and dead letters lie."""
    if not service.handlers:
        return {}
    heard = paper.heard_by_handlers(service)
    wanted = private_topics(PrivateTopics(service=service.name, tiers=service.tiers), partitions=1)
    return {topic.name: _channel(topic, heard, kind_of(topic.name)) for topic in wanted}


def _channel(topic: Topic, types: Iterable[EventType], kind: str = PLAIN) -> Mapping[str, Any]:
    config = topic.config
    return {
        "address": topic.name,
        "messages": {one.fullname: ref("components", "messages", message_name(one, kind)) for one in types},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": int(config["max.message.bytes"]),
                },
                "bindingVersion": BINDING,
            }
        },
    }

"""Topics and events: from the schemas, and from what the services' signatures say they hear and emit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from farandole import catalogues, installed
from farandole.engine.runtime import private_topics_of
from farandole.mesh_topics import installed_topics
from farandole.service import Service

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# Topics and events
A folder under `schemas/` is a topic, a file in it an event type; the key decides the partition. Who hears and who emits
is read off the signatures of handlers and timers. Events that come in over HTTP or from a webhook are emitted through
the outbox, which no signature shows: those have an empty third column. Analytics has no handlers: it reads `orders`
with Faust and writes `sales`. The console observes everything.

"""
PRIVATE: Final = """\
## Private topics
A service with handlers has retry tiers, a topic for redeliveries and one for its dead letters. Attempt headers are
believed on the first two kinds only.

"""
SETTINGS: Final = """\
## The audit topic
`_farandole.audit` keeps what operators did to the mesh, in one partition, for ever: JSON without an envelope, under
the id of the operation. No service reads it; `farandole operations` does.

## The topic of outcomes
On `_farandole.outcomes` workers tell, twice a second and best effort, of deliveries that leave no other record behind:
`handled` and answered by nothing, `dropped` as a duplicate, `skipped` by a replay, `conflicting` with what is known
under their id. JSON of at most 200 outcomes, each an array of kind, source, event, flow, type, topic, partition,
offset, attempt and operation; `untold` counts those that there was no room for. Nothing depends on it:
`FARANDOLE_OUTCOMES=false` turns it off.

## Settings of the topics
As `farandole topics apply` and the embedded mesh create them, with one replica. Append time is the broker's, because
retries are timed by it.

"""


def page() -> str:
    """Return the page."""
    services = installed.services()
    events = [schema for catalogue in catalogues.discover() for schema in catalogue]
    topics = {event.topic for event in events}
    parts = [INTRODUCTION]
    for topic in sorted(topics):
        rows = (
            (
                code(event.name),
                str(event.avsc["doc"]),
                _services(services, event.fullname, _emits),
                _services(services, event.fullname, _hears),
            )
            for event in sorted(events, key=lambda one: one.name)
            if event.topic == topic
        )
        keys = {event.key for event in events if event.topic == topic}
        parts.append(
            f"## {topic}\nKey: {', '.join(map(code, sorted(keys)))}.\n\n"
            + table(("event", "meaning", "emitted by", "heard by"), rows)
        )
    return "\n".join([*parts, PRIVATE + _private(services), SETTINGS + _settings(topics)])


def _private(services: Iterable[Service]) -> str:
    own = {service.name: private_topics_of(service) for service in services if service.handlers}
    rows = (
        (
            name,
            ", ".join(code(topic) for topic in topics.heard[:-1]),
            code(topics.redelivery),
            code(topics.dead_letters),
        )
        for name, topics in own.items()
    )
    return table(("service", "retry tiers", "redeliveries", "dead letters"), rows)


def _settings(domain: Iterable[str]) -> str:
    kinds: dict[tuple[str, ...], set[str]] = {}
    for topic in installed_topics():
        shape = (str(topic.partitions), *(f"{name}={value}" for name, value in topic.config.items()))
        kinds.setdefault(shape, set()).add(_kind(topic.name, domain))
    rows = ((", ".join(sorted(names)), shape[0], ", ".join(map(code, shape[1:]))) for shape, names in kinds.items())
    return table(("topics", "partitions", "settings"), rows)


def _kind(name: str, domain: Iterable[str]) -> str:
    if name in domain:
        return "domain topics"
    if name.endswith(".dlq"):
        return "dead letters"
    return "retry tiers and redeliveries" if not name.startswith("_") else code(name)


def _hears(service: Service) -> set[str]:
    return {handler.event.avro.fullname for handler in service.handlers}


def _emits(service: Service) -> set[str]:
    signatures = [handler.signature for handler in service.handlers]
    signatures += [timer.signature for timer in service.timers]
    return {event.avro.fullname for signature in signatures for event in signature.emits}


def _services(services: Iterable[Service], event: str, how: Callable[[Service], set[str]]) -> str:
    return ", ".join(service.name for service in services if event in how(service))

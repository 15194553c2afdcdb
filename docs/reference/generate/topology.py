"""Topics and events: from the schemas, and from what the services' signatures say they hear and emit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from farandole.mesh_topics import installed_topics
from farandole.private_topics import PrivateTopics
from farandole.topology import Topology, installed_topology

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# Topics and events
A folder under `schemas/` is a topic, a file in it an event type; the key decides the partition. Who hears and who emits
is read off the signatures of handlers and timers, and off what services declare: `service.emits(…)` for what comes in
over HTTP or from a webhook and goes through the outbox, `service.hears(…)` for what analytics reads with Faust. The
console observes everything.

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

## The topic of announcements
`_farandole.services` keeps the last word of each service on what it declares: JSON without an envelope, under the
service's name, written at its start. `farandole topology --context` reads it.

## Settings of the topics
As `farandole topics apply` and the embedded mesh create them, with one replica. Append time is the broker's, because
retries are timed by it.

"""


def page() -> str:
    """Return the page."""
    topology = installed_topology()
    parts = [INTRODUCTION]
    for topic in topology.topics:
        rows = (
            (
                code(event.name),
                event.doc,
                ", ".join(topology.emitters(event.fullname)),
                ", ".join(topology.hearers(event.fullname)),
            )
            for event in topology.events
            if event.topic == topic
        )
        keys = {event.key for event in topology.events if event.topic == topic}
        parts.append(
            f"## {topic}\nKey: {', '.join(map(code, sorted(keys)))}.\n\n"
            + table(("event", "meaning", "emitted by", "heard by"), rows)
        )
    return "\n".join([*parts, PRIVATE + _private(topology), SETTINGS + _settings(topology.topics)])


def _private(topology: Topology) -> str:
    own = {one.name: PrivateTopics(service=one.name, tiers=one.tiers) for one in topology.services if one.handlers}
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

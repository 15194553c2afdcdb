"""Declared: what the services of the mesh expect, and who could bring it about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from farandole.expectation import Expectation
from farandole.private_topics import PrivateTopics
from farandole.topology import Topology
from farandole.topology.sheet import ServiceSheet

Hearing: TypeAlias = tuple[str, str]
"""A service, and the full name of a type that it hears."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """The expectations by key; by key, too, who hears something that leads to what is expected.

    ``private`` are the topics of a service on which its retries and redeliveries wait; ``topics`` those of the events.
    """

    expectations: Mapping[str, Expectation]
    leading: Mapping[str, frozenset[Hearing]]
    private: Mapping[str, tuple[str, ...]]
    topics: frozenset[str]


NOTHING: Final = Declared(expectations={}, leading={}, private={}, topics=frozenset())
"""Nobody expects anything."""


def declared_of(topology: Topology) -> Declared:
    """Return what the services of a topology declare. What they announce is their word: an empty one is left out."""
    found = [one for one in topology.services if one.handlers or one.expectations]
    expectations = {
        each.key: each for one in found for each in one.expectations if each.then and each.within > timedelta(0)
    }
    heard = {handler.event for one in found for handler in one.handlers}
    return Declared(
        expectations=expectations,
        leading={key: _leading(found, each) for key, each in expectations.items()},
        private={one.name: PrivateTopics(service=one.name, tiers=one.tiers).heard for one in found if one.handlers},
        topics=frozenset(one.topic for one in topology.events if one.fullname in heard),
    )


def _leading(services: Iterable[ServiceSheet], expectation: Expectation) -> frozenset[Hearing]:
    """Return who hears what leads to the expected events, however many steps before.

    What a service emits by a timer, a webhook or its outbox may follow from anything that it hears; a topic has one
    writer, so a service that emits into the topic of an event may emit that event too.
    """
    services = list(services)
    wanted, leading = set(expectation.then), set[Hearing]()
    while True:
        before = len(leading)
        for service in services:
            for handler in service.handlers:
                if wanted & {*handler.emits} or _may_emit(service, wanted):
                    leading.add((service.name, handler.event))
        wanted |= {event for _, event in leading}
        if len(leading) == before:
            return frozenset(leading)


def _may_emit(service: ServiceSheet, wanted: set[str]) -> bool:
    by_handlers = {one for handler in service.handlers for one in handler.emits}
    spaces = {_space(one) for one in by_handlers}
    return any(_space(one) in spaces and one not in by_handlers for one in wanted)


def _space(fullname: str) -> str:
    return fullname.rpartition(".")[0]

"""Grants: everything that the users of a mesh are to be given: one user a service, an operator and a reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from farandole.errors import UsageError
from farandole.kafka.topics import AUDIT, GENERATIONS, OUTCOMES, SERVICES
from farandole.private_topics import PrivateTopics
from farandole.topology.access.permission import Act, Permission, Resource, look, member, to
from farandole.topology.access.redis_user import (
    CLUSTER,
    RedisUser,
    breaker_viewer,
    ledger_operator,
    ledger_user,
    merged,
)
from farandole.topology.sheet import ServiceSheet
from farandole.topology.topology import Topology

OPERATOR: Final = "operator"
READER: Final = "reader"
OUTSIDER: Final = "farandole-outsider"
"""The group that readers name who are in none: its coordinator is asked for all the same."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Grants:
    """What users are given, sorted. Whoever has no entry in ``redis`` needs no user there."""

    permissions: tuple[Permission, ...]
    redis: tuple[RedisUser, ...]

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who is given something, sorted."""
        return tuple(sorted({one.user for one in self.permissions} | {one.name for one in self.redis}))

    def of(self, user: str) -> Grants:
        """Return what one user is given."""
        return Grants(
            permissions=tuple(one for one in self.permissions if one.user == user),
            redis=tuple(one for one in self.redis if one.name == user),
        )


def grants_of(topology: Topology, *, cluster: str = CLUSTER, operator: str = OPERATOR, reader: str = READER) -> Grants:
    """Return the least that everybody needs. A service's user has its name; an operator may be one of them, too.

    An operator redrives, edits and discards dead letters, replays and audits; a reader looks at flows, topics and
    breakers. Who creates topics (``farandole topics apply``) and who rebuilds a read model needs more, and is not here.

    Raises:
        UsageError: a name is none that a user can have: a wildcard, for instance.
    """
    for name in (operator, reader, *(one.name for one in topology.services)):
        _demand_name(name)
    permissions = {one for service in topology.services for one in _of_service(service, topology)}
    permissions.update(_of_reader(reader, topology), _of_operator(operator, topology))
    handling = tuple(one for one in topology.services if one.handlers)
    users = [
        ledger_user(one.name, cluster=cluster, service=one.name, breakers=bool(one.dependencies)) for one in handling
    ]
    users += [breaker_viewer(one, cluster=cluster) for one in (reader, *_watchers(topology))]
    users.append(ledger_operator(operator, cluster=cluster, services=[one.name for one in handling]))
    return Grants(permissions=tuple(sorted(permissions)), redis=merged(users))


def _of_service(service: ServiceSheet, topology: Topology) -> Iterator[Permission]:
    name = service.name
    topics = {event.fullname: event.topic for event in topology.events}
    yield from to(name, Act.READ, {topics[one.event] for one in topology.hearings if one.service == name})
    yield from to(name, Act.WRITE, {topics[one.event] for one in topology.emissions if one.service == name})
    yield from to(name, Act.WRITE, [SERVICES])
    if service.handlers:
        own = PrivateTopics(service=name, tiers=service.tiers)
        retries = [one for one in own.heard if one != own.redelivery]
        yield from to(name, Act.READ, own.heard)
        yield from to(name, Act.WRITE, [*retries, own.dead_letters, OUTCOMES])
        yield member(name, name)
    if service.observers:
        yield from to(name, Act.READ, topology.topics)
    if name in _watchers(topology):
        yield from _watching(name, topology)
    if service.read_model:
        yield from _of_read_model(service)
    elif service.observers:
        yield member(name, f"{name}.observer")


def _of_read_model(service: ServiceSheet) -> Iterator[Permission]:
    """Each generation has a group and topics of its own, named after the first's."""
    name = service.name
    yield from to(name, Act.READ, [GENERATIONS])
    yield from to(name, Act.WRITE, [GENERATIONS])
    yield from look(name, [OUTSIDER])
    yield member(name, service.read_model)
    yield member(name, f"{service.read_model}.g", prefix=True)
    for act in (Act.READ, Act.WRITE, Act.CREATE):
        yield from to(name, act, service.keeps)
        if service.keeps:
            yield Permission(user=name, resource=Resource.TOPIC, name=f"{name}.g", act=act, prefix=True)


def _of_reader(name: str, topology: Topology) -> Iterator[Permission]:
    yield from to(name, Act.READ, topology.topics)
    yield from _watching(name, topology)
    # Where the broker stamps the records of a topic, a selection by time need not read all of it.
    yield from to(name, Act.DESCRIBE_CONFIGS, (*topology.topics, *_private_topics(topology)))


def _of_operator(name: str, topology: Topology) -> Iterator[Permission]:
    yield from _of_reader(name, topology)
    for service in topology.services:
        if service.handlers:
            own = PrivateTopics(service=service.name, tiers=service.tiers)
            yield from to(name, Act.WRITE, [own.redelivery, own.dead_letters])
    yield from to(name, Act.WRITE, [AUDIT])


def _watching(name: str, topology: Topology) -> Iterator[Permission]:
    """Return what it takes to see the whole mesh, beside its domain topics."""
    yield from to(name, Act.READ, [AUDIT, OUTCOMES, SERVICES])
    yield from to(name, Act.READ, _private_topics(topology))
    yield from look(name, [OUTSIDER, *_groups(topology)])


def _private_topics(topology: Topology) -> tuple[str, ...]:
    return tuple(topic for one in topology.services for topic in one.private_topics)


def _watchers(topology: Topology) -> tuple[str, ...]:
    """Return the services that observe what is private to others: they watch the mesh."""
    return tuple(one.name for one in topology.services if any(each.private for each in one.observers))


def _groups(topology: Topology) -> Iterable[str]:
    for one in topology.services:
        if one.handlers:
            yield one.name
        if one.read_model:
            yield one.read_model
        elif one.observers:
            yield f"{one.name}.observer"


def _demand_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} is not the name of a user",
            why="a permission given to it, or to names made of it, could be one to everybody, or to everything",
            do="letters, digits, dots, dashes and underscores, a letter or digit first",
            code="E621",
        )

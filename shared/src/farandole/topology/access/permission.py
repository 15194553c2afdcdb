"""Permission: that a user may do one thing with one topic or group of Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Resource(StrEnum):
    """What a permission is about."""

    TOPIC = "topic"
    GROUP = "group"


class Act(StrEnum):
    """What it permits, as Kafka names it. To read or write implies to describe; to write, to write idempotently."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Permission:
    """A user may do one thing with one topic or group; with a ``prefix`` with all whose names begin so."""

    user: str
    resource: Resource
    name: str
    act: Act
    prefix: bool = False

    @property
    def pattern(self) -> str:
        """How the name is to be read, as Kafka says it."""
        return "prefixed" if self.prefix else "literal"


def to(user: str, act: Act, topics: Iterable[str]) -> Iterator[Permission]:
    """Return the permission to do one thing with each of these topics."""
    return (Permission(user=user, resource=Resource.TOPIC, name=topic, act=act) for topic in topics)


def member(user: str, group: str, *, prefix: bool = False) -> Permission:
    """Return the permission to be a member of a consumer group, and to commit for it."""
    return Permission(user=user, resource=Resource.GROUP, name=group, act=Act.READ, prefix=prefix)


def look(user: str, groups: Iterable[str]) -> Iterator[Permission]:
    """Return the permission to see each of these groups: its members, and how far it is."""
    return (Permission(user=user, resource=Resource.GROUP, name=group, act=Act.DESCRIBE) for group in groups)

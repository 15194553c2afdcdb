"""Sight: the mesh as it was seen last. Values; pages show them as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from farandole.breaker import BreakerState
from farandole.operations import Course

_PRIVATE: Final = re.compile(r"(?P<service>.+)\.(?:dlq|redelivery|retry\.\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSight:
    """A topic: how many records it holds, and how many came a second of late."""

    name: str
    records: int
    per_second: float = 0.0

    @property
    def owner(self) -> str:
        """The service whose private topic it is; empty for others."""
        found = _PRIVATE.fullmatch(self.name)
        return found["service"] if found else ""

    @property
    def is_domain(self) -> bool:
        """Whether it carries the events of the business."""
        return not self.owner and not self.name.startswith("_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """How far a group is behind the end of one partition; ``next`` is the offset that it reads next."""

    topic: str
    partition: int
    next: int
    lag: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSight:
    """A consumer group: how many members it has, and how far behind it is."""

    name: str
    members: int
    state: str
    behind: Sequence[Behind] = ()
    drains_in: timedelta | None = None
    """How long it takes to catch up at the pace of late; None where it does not come nearer."""

    @property
    def lag(self) -> int:
        """The records of all partitions that it has yet to take."""
        return sum(one.lag for one in self.behind)

    @property
    def service(self) -> str:
        """The service that it belongs to, as groups are named."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """Everything. ``faults`` says of each source that is away why; what it told before is still shown."""

    topics: Mapping[str, TopicSight] = field(default_factory=dict[str, TopicSight])
    groups: Mapping[str, GroupSight] = field(default_factory=dict[str, GroupSight])
    breakers: Mapping[str, BreakerState] = field(default_factory=dict[str, BreakerState])
    courses: Sequence[Course] = ()
    foreign: int = 0
    pace: Sequence[tuple[float, float]] = ()
    """(unix time, events a second) of the domain topics, oldest first."""
    faults: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def per_second(self) -> float:
        """The events of the business a second, of late."""
        return sum(one.per_second for one in self.topics.values() if one.is_domain)

    @property
    def letters(self) -> Mapping[str, int]:
        """The records in each service's topic of dead letters; settled ones too, until retention takes them."""
        found = {one.owner: one.records for one in self.topics.values() if one.name.endswith(".dlq") and one.owner}
        return {name: count for name, count in sorted(found.items()) if count}

    @property
    def services(self) -> Sequence[str]:
        """The services that have a group or a private topic."""
        named = {one.owner for one in self.topics.values()} | {one.service for one in self.groups.values()}
        return sorted(named - {"", "farandole-outsider"})

    @property
    def down(self) -> Sequence[str]:
        """The groups that have work and nobody to do it."""
        return sorted(one.name for one in self.groups.values() if not one.members and one.lag)

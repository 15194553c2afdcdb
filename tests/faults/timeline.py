"""Timeline: which faults strike what, and when. A pure function of profile and seed: the same again in every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Any, Final

from profiles import Profile

BROKER: Final = "kafka"
REDIS: Final = "redis"
OUTSIDE: Final = "sandbox"
ATTEMPTS_COST_UNTIL: Final = 0.6
"""What costs deliveries their attempts falls into this share of the window: the retries after it have time to end."""
LONGEST_FREEZE: Final = 14.0


class Kind(StrEnum):
    """What is done to the mesh."""

    KILL = "kill"
    FREEZE = "freeze"
    FLUSH = "flush"
    FULL_DISK = "full disk"
    LINE = "line"
    OUTSIDE = "outside"


class Trouble(StrEnum):
    """What a line can suffer: a reset, silence, bytes held back, bytes that come late, a reply that never comes."""

    CUT = "cut"
    HALF_OPEN = "half-open"
    STALLED = "stalled"
    SLOW = "slow"
    LOST_REPLY = "lost reply"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault: what strikes whom, how long after the start of the load, and for how long.

    ``detail`` is the trouble of a line, or the fault that an outside system is told to have.
    """

    at: timedelta
    kind: Kind
    target: str
    lasts: timedelta = timedelta(0)
    detail: tuple[tuple[str, Any], ...] = ()

    @property
    def over(self) -> timedelta:
        """When it has ended."""
        return self.at + self.lasts

    def __str__(self) -> str:
        lasts = f" for {self.lasts.total_seconds():.1f} s" if self.lasts else ""
        detail = "".join(f" {name}={value}" for name, value in self.detail)
        return f"{self.kind} {self.target}{lasts}{detail}"


OUTSIDE_FAULTS: Final[Sequence[dict[str, Any]]] = (
    {"system": "gateway", "kind": "error_ratio", "ratio": 0.3},
    {"system": "*", "kind": "lost_answers", "ratio": 0.2},
    {"system": "*", "kind": "duplicate_answers", "ratio": 0.3},
    {"system": "*", "kind": "duplicate_webhooks", "ratio": 0.5},
    {"system": "gateway", "kind": "latency", "p50_ms": 11_000, "ratio": 0.1},
    {"system": "gateway", "kind": "rate_limit", "per_second": 10, "retry_after_seconds": 1},
    {"system": "gateway", "kind": "outage"},
    {"system": "*", "kind": "latency", "p50_ms": 30, "p99_ms": 400},
    {"system": "wms", "kind": "error_ratio", "ratio": 0.3},
    {"system": "carriers", "kind": "lost_answers", "ratio": 0.3},
    {"system": "suppliers", "kind": "outage"},
    {"system": "erp", "kind": "error_ratio", "ratio": 0.3},
)


def timeline(profile: Profile, seed: int, services: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults in the order of their time. ``services`` are the processes that may be struck."""
    drawn = _Draw(profile, seed, services)
    return tuple(sorted(drawn.all(), key=lambda fault: (fault.at, fault.kind, fault.target)))


class _Draw:
    """Each kind of fault has a source of randomness of its own: more of one leaves the others where they were."""

    def __init__(self, profile: Profile, seed: int, services: Sequence[str]) -> None:
        self._profile = profile
        self._seed = seed
        self._services = tuple(sorted(services))

    def all(self) -> Iterator[Fault]:
        profile = self._profile
        yield from self._kills("service", profile.service_kills, self._services)
        yield from self._kills(BROKER, profile.broker_kills, (BROKER,))
        yield from self._kills(REDIS, profile.redis_kills, (REDIS,))
        for at in self._moments(Random(f"{self._seed}:flush"), profile.flushes):
            yield Fault(at=at, kind=Kind.FLUSH, target=REDIS)
        yield from self._full_disks(Random(f"{self._seed}:disk"))
        yield from self._freezes(Random(f"{self._seed}:freeze"))
        yield from self._lines(Random(f"{self._seed}:line"))
        yield from self._outside(Random(f"{self._seed}:outside"))

    def _kills(self, name: str, count: int, victims: Sequence[str]) -> Iterator[Fault]:
        random = Random(f"{self._seed}:kill:{name}")
        chosen = _dealt(random, victims)
        for at in self._moments(random, count):
            yield Fault(at=self._early(at, victim := next(chosen)), kind=Kind.KILL, target=victim)

    def _full_disks(self, random: Random) -> Iterator[Fault]:
        for at in self._moments(random, self._profile.full_disks):
            yield Fault(at=at, kind=Kind.FULL_DISK, target=REDIS, lasts=_seconds(random, 1, 6))

    def _freezes(self, random: Random) -> Iterator[Fault]:
        chosen = _dealt(random, (*self._services, BROKER, REDIS))
        for at in self._moments(random, self._profile.freezes):
            victim = next(chosen)
            lasts = _seconds(random, 1, LONGEST_FREEZE)
            yield Fault(at=self._early(at, victim), kind=Kind.FREEZE, target=victim, lasts=lasts)

    def _lines(self, random: Random) -> Iterator[Fault]:
        troubles = _dealt(random, tuple(Trouble))
        targets = _dealt(random, (BROKER, REDIS, *(f"{REDIS} of {name}" for name in self._services if name != OUTSIDE)))
        for number, at in enumerate(self._moments(random, self._profile.lines)):
            # Every third line is Kafka's: there is only one of it, and it has as much to break as all the others.
            target = BROKER if number % 3 == 0 else next(targets)
            trouble = next(troubles)
            detail: tuple[tuple[str, Any], ...] = (("trouble", trouble.value),)
            if trouble is Trouble.SLOW:
                detail += (("each_way_ms", random.randint(20, 400)),)
            yield Fault(at=at, kind=Kind.LINE, target=target, lasts=_seconds(random, 1, 8), detail=detail)

    def _outside(self, random: Random) -> Iterator[Fault]:
        chosen = _dealt(random, range(len(OUTSIDE_FAULTS)))
        for at in self._moments(random, self._profile.outside):
            fields = {**OUTSIDE_FAULTS[next(chosen)], "seed": random.randint(0, 999)}
            lasts = _seconds(random, 4, 15)
            yield Fault(
                at=at * ATTEMPTS_COST_UNTIL,
                kind=Kind.OUTSIDE,
                target=OUTSIDE,
                lasts=lasts,
                detail=tuple(fields.items()),
            )

    def _early(self, at: timedelta, victim: str) -> timedelta:
        """Strike the outside systems early, too: while they are away, deliveries use up their attempts."""
        return at * ATTEMPTS_COST_UNTIL if victim == OUTSIDE else at

    def _moments(self, random: Random, count: int) -> list[timedelta]:
        """Draw so many moments, one in each of so many equal parts of the window."""
        return [self._profile.window * ((number + random.random()) / count) for number in range(count)]


def _dealt(random: Random, among: Sequence[Any]) -> Iterator[Any]:
    """Deal everything once, shuffled, then everything again: nothing is spared for long."""
    while True:
        yield from random.sample(among, len(among))


def _seconds(random: Random, least: float, most: float) -> timedelta:
    return timedelta(seconds=round(random.uniform(least, most), 1))

"""Profile: how large a torture run is: how many orders, over how long, and how many faults of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One size of run.

    Orders are placed evenly over ``window``; the faults fall into the same time, and the last one is over soon after.
    """

    name: str
    orders: int
    window: timedelta
    service_kills: int
    broker_kills: int
    redis_kills: int
    flushes: int
    full_disks: int
    freezes: int
    lines: int
    outside: int

    @property
    def faults(self) -> int:
        """How many faults there are in all."""
        kills = self.service_kills + self.broker_kills + self.redis_kills
        return kills + self.flushes + self.full_disks + self.freezes + self.lines + self.outside


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(
            name="short",
            orders=200,
            window=timedelta(seconds=45),
            service_kills=6,
            broker_kills=1,
            redis_kills=2,
            flushes=1,
            full_disks=1,
            freezes=2,
            lines=3,
            outside=3,
        ),
        Profile(
            name="pr",
            orders=5_000,
            window=timedelta(minutes=8),
            service_kills=60,
            broker_kills=6,
            redis_kills=20,
            flushes=5,
            full_disks=3,
            freezes=10,
            lines=12,
            outside=12,
        ),
        Profile(
            name="long",
            orders=30_000,
            window=timedelta(minutes=56),
            service_kills=400,
            broker_kills=40,
            redis_kills=130,
            flushes=35,
            full_disks=20,
            freezes=70,
            lines=80,
            outside=80,
        ),
    )
}

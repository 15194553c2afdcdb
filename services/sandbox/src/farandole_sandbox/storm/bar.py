"""Bar: what is asked of the mesh in a storm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from farandole.breaker import Dependency
from farandole.breaker.rules import WINDOW

from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.row import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A figure that must not exceed ``limit``."""

    what: str
    figure: int
    limit: int

    @property
    def holds(self) -> bool:
        """Whether it does not."""
        return self.figure <= self.limit

    def __str__(self) -> str:
        return f"{self.what}: {self.figure:,}, at most {self.limit:,} are allowed"

    def document(self) -> dict[str, Any]:
        """Return the bar for programs."""
        return {"what": self.what, "figure": self.figure, "limit": self.limit, "holds": self.holds}


def bars_of(row: Row, plan: Plan, gateway: Dependency) -> Sequence[Bar]:
    """Return what is asked of the mesh: few calls in the outage, no more than the gateway takes after, all answered."""
    return (
        Bar(what="calls in the outage", figure=row.traffic.during, limit=most_calls(plan.outage, gateway)),
        Bar(what="peak calls a second after it", figure=row.traffic.peak, limit=plan.rate),
        Bar(what="dead letters", figure=row.counted.dead, limit=0),
        Bar(what="lost", figure=row.counted.lost, limit=0),
        Bar(what="doubled", figure=row.counted.doubled, limit=0),
    )


def most_calls(outage: timedelta, gateway: Dependency) -> int:
    """Return how many calls a gateway that is out may get: the window that opens the breaker, then the probes.

    What was on its way when the window was full is not called back: as many as may be at the same moment.
    """
    return WINDOW + gateway.concurrency + math.ceil(outage / gateway.probe_interval)

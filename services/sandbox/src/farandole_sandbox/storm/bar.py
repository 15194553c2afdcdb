"""Bar: what is asked of the mesh in a storm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.row import Row

PROBES: Final = timedelta(seconds=1)
"""The shortest time between two probes of a dependency that is away."""
WINDOW: Final = 39
"""The calls that may fail before the breaker opens: its window, and what was in flight when it was full."""


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


def bars_of(row: Row, plan: Plan) -> Sequence[Bar]:
    """Return what is asked of the mesh: few calls in the outage, no more than the gateway takes after, all answered."""
    return (
        Bar(what="calls in the outage", figure=row.traffic.during, limit=most_calls(plan.outage)),
        Bar(what="peak calls a second after it", figure=row.traffic.peak, limit=plan.rate),
        Bar(what="dead letters", figure=row.counted.dead, limit=0),
        Bar(what="lost", figure=row.counted.lost, limit=0),
        Bar(what="doubled", figure=row.counted.doubled, limit=0),
    )


def most_calls(outage: timedelta) -> int:
    """Return how many calls a gateway that is out may get: one a probe, and the window that opened the breaker."""
    return int(outage / PROBES) + WINDOW

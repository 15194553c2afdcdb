"""Report: what an audit found: a balance a service, and by name whatever does not fit into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from farandole.audit.finding import Finding
from farandole.audit.standing import Standing

ALWAYS_SHOWN: Final = (
    Standing.DONE,
    Standing.RETRYING,
    Standing.PARKED,
    Standing.DEAD,
    Standing.IN_FLIGHT,
    Standing.WAITING,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """The events of one service and what became of them. ``repeats`` are further records of events counted already.

    An event that a replay handles again is counted once more for it: ``replayed`` tells how many of them there are.
    """

    service: str
    events: int
    standings: Mapping[Standing, int]
    repeats: int
    replayed: int = 0

    @property
    def told(self) -> str:
        """How many events there are, in words: those that a replay handles again among them."""
        return f"{self.events} ({self.replayed} again)" if self.replayed else str(self.events)

    @property
    def total(self) -> int:
        """How many events have a standing."""
        return sum(self.standings.values())

    @property
    def is_even(self) -> bool:
        """Whether every event has a standing, and each is safe."""
        return self.total == self.events and not any(
            count for standing, count in self.standings.items() if not standing.is_sound
        )

    def document(self) -> dict[str, Any]:
        """Return the balance as it is printed for programs."""
        counts = {one.value.replace(" ", "_"): self.standings.get(one, 0) for one in Standing}
        further = {"repeats": self.repeats, "replayed": self.replayed, "even": self.is_even}
        return {"service": self.service, "in": self.events, **counts, **further}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One audit: ``at`` is when it looked at the offsets (UTC), ``seconds`` how long it took."""

    at: datetime
    seconds: float
    balances: Sequence[Balance]
    findings: Sequence[Finding]

    @property
    def is_good(self) -> bool:
        """Whether nothing was found and every balance is even."""
        return not self.findings and all(one.is_even for one in self.balances)

    def document(self) -> dict[str, Any]:
        """Return the report as it is printed for programs."""
        return {
            "at": self.at,
            "seconds": round(self.seconds, 3),
            "services": [one.document() for one in self.balances],
            "findings": self.findings,
            "ok": self.is_good,
        }

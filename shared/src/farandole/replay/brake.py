"""Brake: whether a replay may send more now. Pure: what is under way and what the service does, looked at now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

MOST_OUTSTANDING: Final = 1_000
"""Sent and not yet committed by the service, at most."""
SLACK: Final = 500
"""By how much the live lag may grow beyond what it was: less than that a service takes in one breath."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """What was seen just now: the live lag and what is outstanding, in records, and which dependencies are away."""

    live_lag: int
    outstanding: int
    away: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Brake:
    """The bounds of one replay. ``usual_lag`` is what the live lag was when it began; ``holding`` says why it holds."""

    usual_lag: int
    most_outstanding: int = MOST_OUTSTANDING
    slack: int = SLACK
    holding: str = ""
    for_live: bool = False

    def seen(self, traffic: Traffic) -> Brake:
        """Return the brake after a look: holding, and why, or not.

        Once live traffic has to be waited for, it is until the lag is halfway back, else the two take turns.
        """
        behind = traffic.live_lag - self.usual_lag
        for_live = behind > (self.slack // 2 if self.for_live else self.slack)
        if traffic.away:
            why = f"waiting for {', '.join(traffic.away)}: its breaker is open"
        elif for_live:
            why = f"waiting for live traffic: {traffic.live_lag:,} behind"
        elif traffic.outstanding >= self.most_outstanding:
            why = f"waiting for the service: {traffic.outstanding:,} sent and not handled yet"
        else:
            why = ""
        return replace(self, holding=why, for_live=for_live)

    def room(self, traffic: Traffic) -> int:
        """Return how many records may be sent before the next look."""
        return 0 if self.holding else max(0, self.most_outstanding - traffic.outstanding)

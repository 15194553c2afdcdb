"""Turn: one exchange of a worker with a breaker: what it reports and what it asks, against one state at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from farandole.breaker.dependency import Dependency
from farandole.breaker.outcome import Outcome
from farandole.breaker.permits import Granted, Wants, ask
from farandole.breaker.rebase import rebased
from farandole.breaker.rules import report
from farandole.breaker.state import BreakerState, begun


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What came of an exchange: the state ``before`` and after it, and what is granted at this moment (``now``)."""

    before: BreakerState
    state: BreakerState
    granted: Granted
    now: datetime


def taken(
    kept: BreakerState | None,
    now: datetime,
    *,
    dependency: Dependency,
    outcomes: Sequence[Outcome],
    wants: Wants,
    known: BreakerState | None = None,
) -> tuple[BreakerState, Turn]:
    """Return the next state and what came of it. What is kept nowhere any more begins with what this worker knew."""
    before = rebased(kept or known or begun(now), now)
    state, granted = ask(report(before, outcomes, now, dependency), wants, now, dependency)
    return state, Turn(before=before, state=state, granted=granted, now=now)

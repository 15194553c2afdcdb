"""Rebase: what a breaker knows, told by a clock that was set back since. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from farandole.breaker.state import BreakerState

NO_TIME: Final = timedelta(0)
SECOND: Final = timedelta(seconds=1)


def rebased(state: BreakerState, now: datetime) -> BreakerState:
    """Return the state with every moment in it as much earlier as the clock was set back since it changed last.

    The clock is the server's: it may be corrected, and after a failover it is another. Without this the next probe, and
    every permit of a rate, would be due only when the clock shows again what it showed before.
    """
    back = state.budget.at - now
    if back <= NO_TIME:
        return state

    def moved(moment: datetime | None) -> datetime | None:
        return None if moment is None else moment - back

    limit, probe = state.limit, state.probe
    if limit is not None:
        limit = replace(limit, at=limit.at - back, cut_at=moved(limit.cut_at), not_before=moved(limit.not_before))
    return replace(
        state,
        since=state.since - back,
        ring=tuple(replace(one, at=one.at - back) for one in state.ring),
        proved=moved(state.proved),
        tally=replace(state.tally, second=state.tally.second - int(back / SECOND)),
        limit=limit,
        budget=replace(state.budget, at=now),
        probe=None if probe is None else replace(probe, until=probe.until - back),
        next_probe=moved(state.next_probe),
    )

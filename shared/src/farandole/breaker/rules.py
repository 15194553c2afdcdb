"""Rules: how a breaker changes with what is reported, and what it permits. Pure: state and time in, state out.

It opens when half of the last calls failed, at least ten of them, no older than half a minute: a count, so that a
thousand earlier successes do not hide an outage. While it is open one call an interval probes. The first one that is
answered lets calls through again, few at first and twice as many each second, until it is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from farandole.breaker import budget, limit
from farandole.breaker.dependency import Dependency
from farandole.breaker.limit import Limit
from farandole.breaker.outcome import Kind, Outcome
from farandole.breaker.state import BreakerState, Ended, Lease, Phase, Tally

WINDOW: Final = 20
WINDOW_LASTS: Final = timedelta(seconds=30)
LEAST: Final = 10
LEAST_HALF_OPEN: Final = 5
"""It has just been away: less has to be seen before it is taken to be so again."""
ANSWERED: Final = frozenset((Kind.SUCCESS, Kind.THROTTLED, Kind.HEALTHY))
CALM: Final = timedelta(seconds=60)
"""A limit that was found out is lifted when nobody has said "too many" for so long."""


def report(state: BreakerState, outcomes: Iterable[Outcome], now: datetime, dependency: Dependency) -> BreakerState:
    """Return the state after these outcomes, in the order in which they came."""
    state = ripened(state, now, dependency)
    for outcome in outcomes:
        state = _noted(state, _not_in_the_future(outcome, now), now, dependency)
    return state


def ripened(state: BreakerState, now: datetime, dependency: Dependency) -> BreakerState:
    """Return the state as it is now: what changes by the passing of time alone."""
    ceiling = dependency.ceiling
    if state.phase is Phase.HALF_OPEN and now - state.since >= dependency.ramp:
        state = _closed(state, now)
    if state.limit is not None and state.phase is Phase.CLOSED and _is_calm(state.limit, now):
        state = replace(state, limit=None)
    if state.limit is None and state.phase is Phase.CLOSED and ceiling is not None:
        state = replace(state, limit=Limit(rate=ceiling, at=now))
    if state.limit is not None:
        state = replace(state, limit=limit.grown(state.limit, now, ceiling))
    return replace(state, budget=budget.grown(state.budget, now))


def opened(state: BreakerState, reason: str, now: datetime, dependency: Dependency) -> BreakerState:
    """Return the state of a breaker that opens."""
    return replace(
        state,
        phase=Phase.OPEN,
        since=now,
        reason=reason,
        transitions=state.transitions + 1,
        ring=(),
        limit=None,
        probe=None,
        next_probe=now + dependency.probe_interval,
    )


def half_opened(state: BreakerState, now: datetime, dependency: Dependency) -> BreakerState:
    """Return the state of a breaker whose probe was answered."""
    first = dependency.first_rate if dependency.ceiling is None else min(dependency.first_rate, dependency.ceiling)
    return replace(
        state,
        phase=Phase.HALF_OPEN,
        since=now,
        transitions=state.transitions + 1,
        ring=(),
        limit=Limit(rate=first, at=now),
        probe=None,
        next_probe=None,
    )


def leased(state: BreakerState, lease: Lease, now: datetime, dependency: Dependency) -> BreakerState:
    """Return the state after a probe was permitted."""
    return replace(state, probe=lease, next_probe=now + dependency.probe_interval)


def _closed(state: BreakerState, now: datetime) -> BreakerState:
    # What was found out about the other side's rate holds on: to forget it would be to run into it again.
    found_out = state.limit is not None and state.limit.cut_at is not None
    return replace(
        state,
        phase=Phase.CLOSED,
        since=now,
        transitions=state.transitions + 1,
        limit=state.limit if found_out else None,
    )


def _noted(state: BreakerState, outcome: Outcome, now: datetime, dependency: Dependency) -> BreakerState:
    state = _given_back(state, outcome, now)
    if outcome.kind is Kind.SUCCESS:
        state = _succeeded(state, outcome)
    match state.phase:
        case Phase.OPEN:
            return _noted_while_open(state, outcome, now, dependency)
        case Phase.HALF_OPEN:
            # What began before is about the time before.
            if outcome.began < state.since:
                return state
            return _counted(state, outcome, now, dependency, least=LEAST_HALF_OPEN)
        case Phase.CLOSED:
            return _counted(state, outcome, now, dependency, least=LEAST)


def _noted_while_open(state: BreakerState, outcome: Outcome, now: datetime, dependency: Dependency) -> BreakerState:
    if outcome.kind not in ANSWERED or outcome.began < state.since:
        return state
    state = half_opened(state, now, dependency)
    return _throttled(state, outcome, now) if outcome.kind is Kind.THROTTLED else state


def _counted(
    state: BreakerState, outcome: Outcome, now: datetime, dependency: Dependency, *, least: int
) -> BreakerState:
    if outcome.kind is Kind.THROTTLED:
        return _throttled(state, outcome, now)
    if outcome.kind not in (Kind.SUCCESS, Kind.FAILURE):
        return state
    failed = outcome.kind is Kind.FAILURE
    ring = (*state.ring, Ended(at=outcome.ended, failed=failed))[-WINDOW:]
    ring = tuple(one for one in ring if now - one.at <= WINDOW_LASTS)
    failures = sum(one.failed for one in ring)
    if failed and len(ring) >= least and 2 * failures >= len(ring):
        reason = f"{failures} of the last {len(ring)} calls failed; the last: {outcome.reason}"
        return opened(state, reason, now, dependency)
    return replace(state, ring=ring)


def _throttled(state: BreakerState, outcome: Outcome, now: datetime) -> BreakerState:
    """Cut the rate, once for all calls that were on their way at the same time."""
    before = state.limit
    if before is not None and before.cut_at is not None and outcome.began <= before.cut_at:
        return state
    found = None if before is not None else _answered_of_late(state.tally, now) * limit.CUT_TO
    return replace(state, limit=limit.cut(before or Limit(rate=0.0, at=now), now, outcome.after, to=found))


def _succeeded(state: BreakerState, outcome: Outcome) -> BreakerState:
    return replace(
        state,
        successes=state.successes + 1,
        proved=outcome.began if state.proved is None else max(state.proved, outcome.began),
        budget=budget.deposited(state.budget),
        tally=_tallied(state.tally, int(outcome.ended.timestamp())),
    )


def _given_back(state: BreakerState, outcome: Outcome, now: datetime) -> BreakerState:
    """Take the lease back from a probe that has ended; one that called nothing has not used its turn."""
    if not outcome.probe or state.probe is None or state.probe.holder != outcome.probe:
        return state
    return replace(state, probe=None, next_probe=now if outcome.kind is Kind.NOTHING else state.next_probe)


def _tallied(tally: Tally, second: int) -> Tally:
    if second <= tally.second:
        return replace(tally, count=tally.count + 1)
    return Tally(second=second, count=1, before=tally.count if second == tally.second + 1 else 0)


def _answered_of_late(tally: Tally, now: datetime) -> int:
    return max(tally.count, tally.before) if now.timestamp() - tally.second < 2 else 0


def _is_calm(found: Limit, now: datetime) -> bool:
    return found.cut_at is not None and now - found.cut_at >= CALM


def _not_in_the_future(outcome: Outcome, now: datetime) -> Outcome:
    """Believe no worker's clock that is ahead of the fleet's."""
    if outcome.ended <= now:
        return outcome
    return replace(outcome, ended=now, began=min(outcome.began, now))

"""Permits: what a worker asks of a breaker, and what it is given. Pure, as `rules`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from farandole.breaker import budget, limit
from farandole.breaker.dependency import Dependency
from farandole.breaker.rules import leased, ripened
from farandole.breaker.state import BreakerState, Lease, Phase

AT_ONCE: Final = timedelta(0)
LATE: Final = timedelta(milliseconds=500)
"""How late a worker that waits may hear that a breaker has closed again."""
SOON: Final = timedelta(milliseconds=50)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wants:
    """How many ``first`` runs and ``reruns`` are waiting, and for how many there is ``room``.

    ``probe`` names the lease for a probe, where one could be made; ``probe_lasts`` is how long it may take.
    """

    first: int = 0
    reruns: int = 0
    room: int = 0
    probe: str = ""
    probe_lasts: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    """What may be run now, and after what time to ask ``again`` for the rest."""

    first: int = 0
    reruns: int = 0
    probe: bool = False
    again: timedelta = AT_ONCE


def ask(state: BreakerState, wants: Wants, now: datetime, dependency: Dependency) -> tuple[BreakerState, Granted]:
    """Return what is permitted, and the state after it."""
    state = ripened(state, now, dependency)
    if state.phase is Phase.OPEN:
        return _ask_open(state, wants, now, dependency)
    reruns = min(wants.reruns, wants.room, budget.affordable(state.budget))
    first, rates = min(wants.first, wants.room - reruns), state.limit
    if rates is not None:
        rates, granted = limit.take(rates, first + reruns)
        reruns = min(reruns, granted)
        first = granted - reruns
    left = replace(state, limit=rates, budget=budget.withdrawn(state.budget, reruns))
    return left, Granted(first=first, reruns=reruns, again=_until_more(left, wants, first, now))


def permits_anything(state: BreakerState, dependency: Dependency) -> bool:
    """Say whether first runs need not ask: the breaker is closed, and nothing limits their rate."""
    return state.phase is Phase.CLOSED and state.limit is None and dependency.rate is None


def _ask_open(state: BreakerState, wants: Wants, now: datetime, dependency: Dependency) -> tuple[BreakerState, Granted]:
    free_at = max(state.next_probe or now, state.probe.until if state.probe is not None else now)
    if not wants.probe or free_at > now:
        return state, Granted(again=_between(free_at - now))
    lease = Lease(holder=wants.probe, until=now + wants.probe_lasts)
    return leased(state, lease, now, dependency), Granted(probe=True, again=LATE)


def _until_more(state: BreakerState, wants: Wants, first: int, now: datetime) -> timedelta:
    rated = AT_ONCE if state.limit is None else limit.until_next(state.limit, now)
    afforded = AT_ONCE if first < wants.first else budget.until_next(state.budget)
    return _between(max(rated, afforded))


def _between(again: timedelta) -> timedelta:
    return min(LATE, max(SOON, again))

"""Limit: how many calls a second the whole fleet may make at present: a token bucket whose rate grows and is cut.

It doubles every second after an outage (slow start). Once the other side has said "too many" it is additive increase,
multiplicative decrease, as TCP does it (Chiu and Jain, 1989): the fleet ends up a little below what is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from farandole.breaker.dependency import burst

LEAST: Final = 0.5
MOST: Final = 100_000.0
CUT_TO: Final = 0.7
INCREASE: Final = 0.05
"""What a rate that was cut gains every second, as a share of what it was cut to: fast systems are found out about as
fast as slow ones."""
LEAST_INCREASE: Final = 0.1
HEEDED: Final = timedelta(seconds=5)
"""A "not before" holds up the whole fleet for this long at most: one customer's quota must not stop all of them."""
SECOND: Final = timedelta(seconds=1)
NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A ``rate`` a second and ``tokens`` to take, as they were ``at`` that moment; ``cut_at`` tells of the last cut."""

    rate: float
    at: datetime
    tokens: float = 1.0
    cut_at: datetime | None = None
    increase: float = 0.0
    not_before: datetime | None = None


def grown(limit: Limit, now: datetime, ceiling: float | None) -> Limit:
    """Return the limit as it is now: what the time since brought, in rate and in tokens."""
    seconds = max(NO_TIME, now - limit.at) / SECOND
    most = MOST if ceiling is None else ceiling
    rate = limit.rate * 2.0 ** min(seconds, 64.0) if limit.cut_at is None else limit.rate + limit.increase * seconds
    rate = min(rate, most)
    since = limit.at if limit.not_before is None else max(limit.at, limit.not_before)
    flowing = max(NO_TIME, now - since) / SECOND
    tokens = limit.tokens + flowing * (limit.rate + rate) / 2
    return replace(limit, rate=rate, at=max(now, limit.at), tokens=min(tokens, burst(rate)))


def cut(limit: Limit, now: datetime, after: timedelta | None, *, to: float | None = None) -> Limit:
    """Return the limit after the other side said "too many": a lower rate, nothing saved up, nothing before then."""
    rate = max(LEAST, limit.rate * CUT_TO if to is None else to)
    wait = min(after, HEEDED) if after is not None else NO_TIME
    increase = max(LEAST_INCREASE, INCREASE * rate)
    return Limit(rate=rate, at=now, tokens=0.0, cut_at=now, increase=increase, not_before=now + wait)


def take(limit: Limit, wanted: int) -> tuple[Limit, int]:
    """Take as many tokens as there are, at most ``wanted``; return how many."""
    granted = max(0, min(wanted, int(limit.tokens)))
    return replace(limit, tokens=limit.tokens - granted), granted


def until_next(limit: Limit, now: datetime) -> timedelta:
    """Return how long it takes until there is a token."""
    held_up = NO_TIME if limit.not_before is None else max(NO_TIME, limit.not_before - now)
    return held_up + max(0.0, 1.0 - limit.tokens) / limit.rate * SECOND

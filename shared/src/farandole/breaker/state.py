"""BreakerState: what the whole fleet knows of one dependency. A value; `rules` says how it changes."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from farandole.breaker.budget import Budget
from farandole.breaker.limit import Limit


class Phase(StrEnum):
    """Whether calls are made: all (closed), none but probes (open), or carefully more again (half-open)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A call that counts."""

    at: datetime
    failed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to make the one probe: whose it is, and until when; nobody has to give it back for it to end."""

    holder: str
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Calls that succeeded in the present second and in the one before: the rate that the other side did take."""

    second: int = 0
    count: int = 0
    before: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerState:
    """One breaker. ``since`` is the last transition, ``reason`` why it opened."""

    phase: Phase = Phase.CLOSED
    since: datetime
    reason: str = ""
    transitions: int = 0
    ring: tuple[Ended, ...] = ()
    successes: int = 0
    proved: datetime | None = None
    """When the youngest call that succeeded began: the dependency worked after that."""
    tally: Tally = Tally()
    limit: Limit | None = None
    budget: Budget
    probe: Lease | None = None
    next_probe: datetime | None = None


def begun(now: datetime) -> BreakerState:
    """Return the state of a breaker that nobody has heard of: closed."""
    return BreakerState(since=now, budget=Budget(at=now))


def packed(state: BreakerState) -> bytes:
    """Return the state as it is kept."""
    return msgspec.json.encode(state)


def unpacked(kept: bytes | None) -> BreakerState | None:
    """Read a kept state; None where there is none, or one that this version cannot read and has to begin anew."""
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=BreakerState)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def not_closed(states: Mapping[str, BreakerState]) -> AbstractSet[str]:
    """Return the names of those that hold calls back: open, or carefully trying."""
    return {name for name, state in states.items() if state.phase is not Phase.CLOSED}

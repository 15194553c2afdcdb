"""Outcome: how a handler's run ended, as far as the dependency is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a run says about the dependency."""

    SUCCESS = "success"
    FAILURE = "failure"
    THROTTLED = "throttled"
    """It works, and wants fewer calls."""
    HEALTHY = "healthy"
    """It says of itself that it works, which ends an outage; nobody has seen it do so yet."""
    NOTHING = "nothing"
    """It was not called, or what went wrong is not its fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One run, from ``began`` to ``ended`` (in the time that the fleet shares)."""

    kind: Kind
    began: datetime
    ended: datetime
    reason: str = ""
    after: timedelta | None = None
    """Not before this time, said the dependency that throttled."""
    probe: str = ""
    """The lease under which it ran, if it was a probe."""

"""Promise: what one flow owes, by an expectation; and the decision whether it is kept, still open, or stuck. Pure.

The clock of a promise counts only time in which it could have been kept: not while the mesh stood still or nobody
watched it (pauses), and not while a service that leads to what is expected had records of the flow left to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A time that does not count."""

    began: datetime
    ended: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """A flow owes something since ``began``, the broker's time of the first event.

    ``held`` is the time in which it was seen waiting for a service to read on.
    """

    flow_id: str
    expectation: str
    began: datetime
    held: Pause | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A record of the flow that a service has still to read, appended at ``since`` by the broker."""

    service: str
    type: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known of a flow at ``now``, by a look that found the console and the brokers as they should be."""

    now: datetime
    within: timedelta
    is_met: bool
    unread: Sequence[Unread] = ()
    pauses: Sequence[Pause] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Met:
    """It is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """It is open until ``due``; ``held`` is to be remembered where the flow waits for a service."""

    why: str
    due: datetime
    held: Pause | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """Its time was used up at ``due``, and nobody who could keep it has anything of the flow left to read."""

    why: str
    due: datetime


def judge(promise: Promise, standing: Standing) -> Met | Waiting | Stuck:
    """Return what has become of a promise."""
    if standing.is_met:
        return Met()
    held = promise.held
    if standing.unread:
        oldest = max(promise.began, min(one.since for one in standing.unread))
        held = Pause(began=oldest if held is None else min(held.began, oldest), ended=standing.now)
    pauses = [*standing.pauses, held] if held is not None else standing.pauses
    due = due_at(promise.began, standing.within, pauses)
    if standing.unread:
        first = min(standing.unread, key=lambda one: one.since)
        return Waiting(why=f"{first.service} has not read {first.type} yet", due=due, held=held)
    if standing.now < due:
        return Waiting(why="its time is not used up", due=due, held=held)
    return Stuck(why="its time is used up, and nobody has anything of it left to read", due=due)


def due_at(began: datetime, within: timedelta, pauses: Iterable[Pause]) -> datetime:
    """Return the moment at which ``within`` is used up since ``began``; what lies in pauses does not count."""
    due = began + within
    passed = began
    for pause in sorted(pauses, key=lambda one: one.began):
        if pause.began >= due:
            break
        start = max(pause.began, passed)
        if pause.ended > start:
            due += pause.ended - start
            passed = pause.ended
    return due

"""Hearing: what became of one event at one service that heard it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from farandole.flow.happening import Happening, Kind


class Standing(StrEnum):
    """How far a service is with an event."""

    DONE = "done"
    RETRYING = "retrying"
    DEAD = "dead"
    DISCARDED = "discarded"
    SKIPPED = "skipped"
    DROPPED = "dropped"
    WAITING = "waiting"


DECIDING: Final = {
    Kind.RETRY: (0, Standing.RETRYING),
    Kind.REDRIVEN: (0, Standing.RETRYING),
    Kind.DEAD: (1, Standing.DEAD),
    Kind.EDITED: (1, Standing.DEAD),
    Kind.DISCARDED: (2, Standing.DISCARDED),
    Kind.REOPENED: (2, Standing.DEAD),
}
"""What decides, as long as nothing says done: of the highest attempt the last step of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """What became of an event at ``service``; of what an ``again`` replay does there, under ``replay_id``.

    ``attempts`` are those known to have ended: each that failed, and the one that succeeded. ``last`` is what decided
    the standing, None where it was inferred: from a follow-on, or from nothing.
    """

    service: str
    replay_id: str
    standing: Standing
    attempts: int
    duplicates: int
    dead_letters: int
    redrives: int
    replays: int
    last: Happening | None


def hearing(service: str, replay_id: str, happenings: Sequence[Happening], *, answered: bool) -> Hearing:
    """Return what these happenings say, in whatever order they come. ``answered``: a follow-on of it is there."""
    standing, last = _standing(happenings, answered=answered)
    failed = {one.attempt - 1 for one in happenings if one.kind is Kind.RETRY}
    failed |= {one.attempt for one in happenings if one.kind is Kind.DEAD}
    return Hearing(
        service=service,
        replay_id=replay_id,
        standing=standing,
        attempts=len(failed) + (standing is Standing.DONE),
        duplicates=_count(happenings, Kind.DROPPED),
        dead_letters=_count(happenings, Kind.DEAD),
        redrives=_count(happenings, Kind.REDRIVEN),
        replays=_count(happenings, Kind.REPLAYED),
        last=last,
    )


def _standing(happenings: Sequence[Happening], *, answered: bool) -> tuple[Standing, Happening | None]:
    handled = [one for one in happenings if one.kind is Kind.HANDLED]
    if handled:
        return Standing.DONE, min(handled, key=lambda one: (one.at, one.key))
    if answered:
        return Standing.DONE, None
    deciding = [one for one in happenings if one.kind in DECIDING]
    if deciding:
        last = max(deciding, key=lambda one: (one.attempt, DECIDING[one.kind][0], one.at, one.key))
        return DECIDING[last.kind][1], last
    for kind, standing in ((Kind.SKIPPED, Standing.SKIPPED), (Kind.DROPPED, Standing.DROPPED)):
        found = [one for one in happenings if one.kind is kind]
        if found:
            return standing, min(found, key=lambda one: (one.at, one.key))
    return Standing.WAITING, None


def _count(happenings: Sequence[Happening], kind: Kind) -> int:
    return sum(one.times for one in happenings if one.kind is kind)

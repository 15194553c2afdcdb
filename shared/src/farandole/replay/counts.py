"""Counts: what a plan foresees, counted. Every matched record is counted under exactly one fate."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from farandole.replay.fate import Fate


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """The follow-ons of one type, if all goes as the last time; ``new`` of them would be new downstream.

    By what told of them: the inbox, the topics that hold them already, or the signature of a handler that always
    answers the same.
    """

    type: str
    count: int = 0
    new: int = 0
    from_inbox: int = 0
    from_topics: int = 0
    from_signature: int = 0


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """How often a handler would run, and which outside systems it touches when it does."""

    handler: str
    type: str
    runs: int
    depends_on: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan foresees. ``unforeseen`` events have answers that nobody can tell before: they may differ."""

    matched: int
    fates: dict[str, int]
    types: dict[str, int]
    first: datetime | None
    last: datetime | None
    runs: tuple[Runs, ...]
    follow_ons: tuple[Foreseen, ...] = ()
    unforeseen: int = 0

    def of(self, fate: Fate) -> int:
        """Return how many records have a fate."""
        return self.fates.get(fate.name.lower(), 0)

    @property
    def would_run(self) -> int:
        """How many records would be sent, and run a handler."""
        return self.of(Fate.RUN)

    @property
    def outside(self) -> int:
        """How many of the runs touch an outside system."""
        return sum(one.runs for one in self.runs if one.depends_on)

    @property
    def new_downstream(self) -> int:
        """How many follow-ons nobody has seen before."""
        return sum(one.new for one in self.follow_ons)

    def document(self) -> dict[str, Any]:
        """Return the counts as they are printed for programs."""
        return {
            "matched": self.matched,
            "types": self.types,
            "first": self.first,
            "last": self.last,
            **{fate.name.lower(): self.of(fate) for fate in Fate if fate is not Fate.RUN},
            "would_run": self.would_run,
            "handlers": self.runs,
            "outside": self.outside,
            "follow_ons": self.follow_ons,
            "unforeseen": self.unforeseen,
            "new_downstream": self.new_downstream,
        }


class Counting:
    """Counts the records of a plan as they are read. Not thread-safe."""

    def __init__(self) -> None:
        self._fates: Counter[Fate] = Counter()
        self._types: Counter[str] = Counter()
        self._runs: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def take(self, fate: Fate, *, type: str, appended: datetime) -> None:  # noqa: A002 - that is what it is called
        """Count a matched record."""
        self._fates[fate] += 1
        self._types[type] += 1
        self._first = appended if self._first is None else min(self._first, appended)
        self._last = appended if self._last is None else max(self._last, appended)

    def run(self, handler: str, type: str, depends_on: tuple[str, ...]) -> None:  # noqa: A002
        """Count a run of a handler."""
        self._runs[handler, type, depends_on] += 1

    def counts(self, follow_ons: tuple[Foreseen, ...] = (), *, unforeseen: int = 0) -> Counts:
        """Return what was counted, with what was foreseen of the follow-ons."""
        return Counts(
            matched=self._fates.total(),
            fates={fate.name.lower(): count for fate, count in self._fates.items()},
            types=dict(sorted(self._types.items())),
            first=_utc(self._first),
            last=_utc(self._last),
            runs=tuple(
                Runs(handler=handler, type=type_, runs=count, depends_on=depends_on)
                for (handler, type_, depends_on), count in sorted(self._runs.items())
            ),
            follow_ons=follow_ons,
            unforeseen=unforeseen,
        )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)

"""Planning: gives every matched record its fate, and counts what would come of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from farandole.audit.trace import Trace
from farandole.audit.trail import Seen, Trail
from farandole.delivery import Record, Replay
from farandole.operations import new_id
from farandole.replay.chosen import Choosing, Chosen
from farandole.replay.counts import Counting, Counts
from farandole.replay.fate import Fate, fate_of
from farandole.replay.foreseeing import Foreseeing
from farandole.replay.given_again import given_again
from farandole.replay.judging import Heard, Judging
from farandole.replay.mode import Mode
from farandole.replay.terms import Terms

LIKE_AN_ID: Final = new_id(datetime(2026, 1, 1, tzinfo=UTC))
"""As long as the plan's id, which nobody knows before the plan is made: it is a part of what is sent."""


class Planning:
    """Takes the matched records of one plan, each partition's in order. For one event loop; close it after use."""

    def __init__(self, terms: Terms, judging: Judging) -> None:
        self._terms = terms
        self._replay = Replay(id=LIKE_AN_ID, effects=terms.effects, cascade=terms.cascade)
        self._judging = judging
        self._counting = Counting()
        self._choosing = Choosing()
        self._foreseeing = Foreseeing(
            service=terms.service, mode=terms.mode, cascade=terms.cascade, topics=judging.emitted
        )
        self._trail = Trail()

    def close(self) -> None:
        """Let go of what was remembered meanwhile."""
        self._trail.__exit__()

    async def take(self, records: Sequence[Record]) -> None:
        """Take a batch."""
        heard: list[Heard] = []
        for record in records:
            one = self._judging.heard(record)
            if one is None:
                self._count(Fate.UNHEARD, self._judging.type_of(record), record)
            else:
                heard.append(one)
        await self._decide([one for one in self._first_of_each(heard) if self._would_run(one)])

    def counts(self) -> Counts:
        """Return what was counted."""
        return self._counting.counts(self._foreseeing.foreseen(), unforeseen=self._foreseeing.unforeseen)

    def chosen(self) -> Chosen:
        """Return what is to be sent."""
        return self._choosing.chosen()

    def _first_of_each(self, heard: Sequence[Heard]) -> list[Heard]:
        """Count the further records of an event as such, and return the first ones."""
        seen = self._trail.seen([one.trace.key for one in heard])
        first = []
        for one in heard:
            if one.trace.key in seen:
                self._count_heard(Fate.REPEATED, one.trace)
            else:
                seen[one.trace.key] = Seen(digest=0, heard=0)
                first.append(one)
        self._trail.see({one.trace.key: seen[one.trace.key] for one in first})
        return first

    def _would_run(self, one: Heard) -> bool:
        """Count what its handler skips."""
        if self._terms.mode is Mode.AGAIN and not one.handler.runs_in(self._replay):
            self._count_heard(Fate.SKIPPED, one.trace)
            return False
        return True

    async def _decide(self, heard: Sequence[Heard]) -> None:
        judged = await self._judging.judged([one.trace for one in heard])
        runs = []
        for one in heard:
            fate = fate_of(
                judged[one.trace.key].standing,
                self._terms.mode,
                with_not_provable=self._terms.with_not_provable,
            )
            if fate is Fate.RUN and not self._fits(one, judged[one.trace.key].attempt):
                fate = Fate.TOO_LARGE
            self._count_heard(fate, one.trace)
            if fate is Fate.RUN:
                runs.append(one)
        kept = await self._judging.kept([one.trace for one in runs])
        for one in runs:
            needs = tuple(needed.name for needed in one.handler.depends_on)
            self._choosing.add(one.trace.coordinates)
            self._counting.run(one.handler.name, one.trace.type, needs)
            self._foreseeing.take(one.handler, one.trace.event_id, kept.get(one.trace.key))

    def _fits(self, one: Heard, attempt: int) -> bool:
        replay = self._replay if self._terms.mode is Mode.AGAIN else None
        return given_again(one, attempt=attempt, replay=replay).fits(LIKE_AN_ID)

    def _count_heard(self, fate: Fate, trace: Trace) -> None:
        self._counting.take(fate, type=trace.type, appended=datetime.fromtimestamp(trace.appended, UTC))

    def _count(self, fate: Fate, type_: str, record: Record) -> None:
        self._counting.take(fate, type=type_, appended=record.appended)

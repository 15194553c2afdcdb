"""Receipt: what a replay did: who, why, what, what was counted before, and what became of what it sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from farandole.replay.fate import Fate
from farandole.replay.plan import Plan
from farandole.replay.story import Story

MOST_NAMED: Final = 20


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the records that were sent. ``waiting`` ones had no end yet when the runner stopped waiting."""

    done: int = 0
    dead: int = 0
    retrying: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        """How many records that is."""
        return self.done + self.dead + self.retrying + self.waiting

    @property
    def is_settled(self) -> bool:
        """Whether every one is done or dead."""
        return self.retrying == 0 and self.waiting == 0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come. ``since`` counts, by fate, what the plan would have sent and need not, or cannot, be.

    ``too_large`` are the first of those that turned out to be so, by where they lie.
    """

    planned: int
    sent: int = 0
    since: dict[str, int] = {}
    too_large: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """How many records are still to be looked at."""
        return self.planned - self.sent - sum(self.since.values())

    def with_sent(self, count: int) -> Progress:
        """Return the progress after so many more were sent."""
        return msgspec.structs.replace(self, sent=self.sent + count)

    def without(self, fate: Fate) -> Progress:
        """Return the progress after one record turned out not to need sending, for what became of it since the plan."""
        name = fate.name.lower()
        return msgspec.structs.replace(self, since={**self.since, name: self.since.get(name, 0) + 1})

    def named(self, place: str) -> Progress:
        """Return the progress with the place of one that turned out to be too large; the first few are kept."""
        return (
            self
            if len(self.too_large) >= MOST_NAMED
            else msgspec.structs.replace(self, too_large=(*self.too_large, place))
        )


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did. ``before`` are the plan's counts by fate; ``ended`` is ``finished`` or ``cancelled``."""

    plan: str
    service: str
    mode: str
    effects: bool
    cascade: bool
    who: str
    why: str
    began: datetime
    ended_at: datetime
    ended: str
    matched: int
    before: dict[str, int]
    progress: Progress
    outcome: Outcome

    def document(self) -> dict[str, Any]:
        """Return the receipt as it is printed for programs."""
        return {
            "plan": self.plan,
            "service": self.service,
            "mode": self.mode,
            "effects": self.effects,
            "cascade": self.cascade,
            "who": self.who,
            "why": self.why,
            "began": self.began,
            "ended_at": self.ended_at,
            "state": self.ended,
            "matched": self.matched,
            "before": self.before,
            "planned": self.progress.planned,
            "sent": self.progress.sent,
            "since_the_plan": self.progress.since,
            "too_large": self.progress.too_large,
            "not_sent": self.progress.left,
            "outcome": self.outcome,
        }


def kept_receipt(story: Story) -> Receipt | None:
    """Return the receipt of a replay that has ended; None where it has not, or was cancelled before it began."""
    if not story.state.is_final or story.receipt is None:
        return None
    try:
        return msgspec.convert(story.receipt, Receipt)
    except msgspec.ValidationError:  # somebody else wrote it
        return None


def receipt_of(
    plan: Plan,
    *,
    who: str,
    why: str,
    began: datetime,
    ended_at: datetime,
    is_cancelled: bool,
    progress: Progress,
    outcome: Outcome,
) -> Receipt:
    """Return the receipt of a run of this plan."""
    return Receipt(
        plan=plan.id,
        service=plan.service,
        mode=plan.mode.value,
        effects=plan.effects,
        cascade=plan.cascade,
        who=who,
        why=why,
        began=began,
        ended_at=ended_at,
        ended="cancelled" if is_cancelled else "finished",
        matched=plan.counts.matched,
        before=plan.counts.fates,
        progress=progress,
        outcome=outcome,
    )

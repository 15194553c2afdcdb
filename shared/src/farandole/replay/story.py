"""Story: what happened to one plan so far, folded from the records of the audit topic. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from farandole.operations import Asked, AuditRecord, Began, Checkpoint, Ended, Resumed
from farandole.replay.kept_plan import plan_of
from farandole.replay.plan import Plan


class State(Enum):
    """Where a replay stands. The values are the words of the output."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether it never runs any more."""
        return self in {State.CANCELLED, State.FINISHED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What happened to one plan.

    ``state`` is what the records say: whether a process that RUNS still lives, only its lease tells. ``wish`` is what
    was asked last, empty when it was obeyed or is void. ``who`` and ``why`` are of the first run.
    """

    plan: Plan
    state: State = State.PLANNED
    wish: str = ""
    wished_by: str = ""
    began: datetime | None = None
    who: str = ""
    why: str = ""
    runs: int = 0
    sent: int = 0
    receipt: dict[str, Any] | None = None

    def after(self, record: AuditRecord) -> Story:
        """Return the story with one more record."""
        if self.state.is_final:
            return self  # what is said after the end changes nothing
        match record:
            case Began() | Resumed():
                return self._taken_up(record)
            case Asked(wish=wish, who=who):
                return self._asked(wish, who)
            case Checkpoint(counts=counts):
                return replace(self, sent=counts.get("sent", self.sent))
            case Ended(result=result, details=details):
                return self._ended(result, details)
            case _:
                return self

    def _taken_up(self, record: Began | Resumed) -> Story:
        """Return the story where a process takes the replay up: that alone undoes a pause."""
        wish = self.wish if self.wish == "cancel" else ""
        again = replace(self, state=State.RUNNING, runs=self.runs + 1, wish=wish)
        if self.began is not None or isinstance(record, Resumed):
            return again
        return replace(again, began=record.at, who=record.begun.claimed or record.begun.who, why=record.begun.why)

    def _ended(self, result: str, details: dict[str, Any]) -> Story:
        if result == "failed":
            return replace(self, state=State.FAILED)
        ended = State.CANCELLED if result == "cancelled" else State.FINISHED
        return replace(self, state=ended, wish="", sent=_sent(details, self.sent), receipt=details)

    def _asked(self, wish: str, who: str) -> Story:
        if self.wish == "cancel":
            return self  # nothing takes a cancel back
        if wish == "cancel" and self.began is None:
            return replace(self, state=State.CANCELLED, wished_by=who)
        state = {"pause": State.PAUSED, "resume": State.RUNNING}.get(wish, self.state)
        return replace(self, state=state, wish=wish, wished_by=who)


def _sent(receipt: dict[str, Any], before: int) -> int:
    progress = receipt.get("progress")
    sent: Any = progress.get("sent", before) if isinstance(progress, dict) else before
    return sent if isinstance(sent, int) else before


def story_of(records: Iterable[AuditRecord]) -> Story | None:
    """Return the story that the records of one operation tell, in their order; None where they keep no plan."""
    told = list(records)
    plan = plan_of(told)
    if plan is None:
        return None
    story = Story(plan=plan)
    for record in told:
        story = story.after(record)
    return story

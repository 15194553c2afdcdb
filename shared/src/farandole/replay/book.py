"""Book: the plans of a mesh, as its audit topic keeps them: written down, found again, asked something of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from farandole.errors import OperationError, UsageError
from farandole.operations import Asked, AuditRecord, AuditTopic, Began, Checkpoint, Ended, Noted, Resumed
from farandole.operations.audit_record import Wish
from farandole.replay.kept_plan import Piece, Planned, records_of
from farandole.replay.plan import Plan
from farandole.replay.story import Story, story_of

_SHORT: Final[tuple[type[AuditRecord], ...]] = (Planned, Began, Resumed, Checkpoint, Asked, Ended)
_WHOLE: Final[tuple[type[AuditRecord], ...]] = (Piece, *_SHORT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A plan, what happened to it, and the records that tell."""

    story: Story
    noted: Sequence[Noted]


class Book:
    """Reads and writes plans. Raises what the audit topic raises."""

    def __init__(self, audit: AuditTopic) -> None:
        self._audit = audit

    async def keep(self, plan: Plan) -> None:
        """Write a plan down. Raises UsageError where it is too large to be kept."""
        for record in records_of(plan):
            await self._audit.append(record)

    async def find(self, plan_id: str) -> Entry:
        """Return a whole plan. Raises UsageError where there is none of that id."""
        noted = await self._audit.read(*_WHOLE, operation=plan_id)
        story = story_of(one.record for one in noted)
        if story is None:
            raise UsageError(
                f"there is no plan {plan_id}",
                why="the audit topic of this mesh does not have it",
                do="farandole replay ls   shows the plans there are; another mesh is named by --context",
                code="E535",
            )
        return Entry(story=story, noted=noted)

    async def all(self) -> Sequence[Story]:
        """Return every plan without its offsets, the oldest first."""
        by_id: dict[str, list[AuditRecord]] = {}
        for one in await self._audit.read(*_SHORT):
            by_id.setdefault(one.record.operation, []).append(one.record)
        stories = [story_of(records) for records in by_id.values()]
        return [story for story in stories if story is not None]

    async def ask(self, story: Story, wish: Wish, *, who: str, why: str, at: datetime) -> None:
        """Ask whoever runs a plan for something. Raises OperationError where it has ended."""
        demand_open(story, wish)
        await self._audit.append(Asked(operation=story.plan.id, at=at, wish=wish, who=who, why=why))


def demand_open(story: Story, wish: str) -> None:
    """Raise OperationError where a replay has ended, so that nothing is left to do what is wished."""
    if story.state.is_final:
        raise OperationError(
            f"the replay {story.plan.id} is {story.state.value}",
            why=f"nothing is left to {wish}",
            do=f"farandole replay status {story.plan.id}   shows what it did",
            code="E537",
        )

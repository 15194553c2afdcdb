"""Marking: dead letters are put aside, and taken back: what is meant, what stands in the way, and doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from farandole.desk.board import Board
from farandole.desk.case import Case
from farandole.desk.choice import Choice, chosen, nothing_chosen
from farandole.desk.desk import Desk
from farandole.desk.deskwork import Deskwork
from farandole.desk.obstacle import to_discard, to_reopen
from farandole.desk.place import Place
from farandole.errors import UsageError
from farandole.operations import AuditTopic, Lease, Operation, recorded


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What is done: its name, whether it puts aside, what it does in words, and what stands in the way of a case."""

    name: str
    discards: bool
    words: str
    obstacle: Callable[[Case], str]

    def sentence(self, count: int, service: str) -> str:
        """Return what is about to be done, as it is asked about."""
        return self.words.format(count, service)


DISCARD: Final = Deed(
    name="discard", discards=True, words="discard the dead letters of {} events of {}", obstacle=to_discard
)
REOPEN: Final = Deed(
    name="reopen", discards=False, words="open the dead letters of {} events of {} again", obstacle=to_reopen
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToMark:
    """The cases that are marked, and how many are left as they are, by the reason."""

    deed: Deed
    what: Choice
    cases: Sequence[Case]
    held: Mapping[str, int]

    def demand_some(self, service: str) -> None:
        """Return if there is anything to mark. Raises UsageError."""
        if not self.cases:
            raise UsageError(
                f"there is nothing to {self.deed.name} of {service}",
                why="; ".join(f"{count}: {reason}" for reason, count in self.held.items())
                or "no dead letter is selected",
                do=f"farandole dlq ls --service {service} --all",
                code="E556",
            )


async def to_mark(deed: Deed, desk: Desk, board: Board, what: Choice) -> ToMark:
    """Return what would be marked. Raises UsageError where nothing is named, or a name means nothing."""
    if what.is_everything:
        raise nothing_chosen()
    every = await chosen(desk, board, what)
    held = Counter(reason for reason in map(deed.obstacle, every) if reason)
    cases = [one for one in every if not deed.obstacle(one)][: what.limit]
    return ToMark(deed=deed, what=what, cases=cases, held=held)


async def marked(where: Place, desk: Desk, operation: Operation, wanted: ToMark) -> int:
    """Mark them, recorded first; return how many were there. Raises OperationError where somebody else is at it."""
    target = where.target
    details = {"what": wanted.what.veiled(desk.catalogue).document(), "events": len(wanted.cases)}
    async with (
        Lease(target.redis_url, cluster=desk.cluster, operation=operation),
        AuditTopic(target.connection) as topic,
        Deskwork(target.connection, desk.reader, operation=operation.id) as work,
        recorded(topic, operation, details=details) as receipt,
    ):
        count = await work.mark(wanted.cases, discards=wanted.deed.discards)
        receipt.counts.update({"marked": count})
    return count

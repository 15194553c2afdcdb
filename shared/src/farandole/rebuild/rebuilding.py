"""Rebuilding: builds a generation of a read model from history, and switches its replicas over.

What was begun is written into the log of generations first, and what was read is in the generation's own store and in
its group's offsets: killed at any point, the same command goes on where it was. Two of them at once build the same
generation, as two replicas would, and only one of their words counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farandole.clock import Clock
from farandole.errors import OperationError, UsageError
from farandole.generations.book import Book
from farandole.generations.distance import Logs, behind
from farandole.generations.entry import Entry, Kind
from farandole.generations.following import Following
from farandole.generations.log import GenerationLog
from farandole.read_model import Generation, Hosted, Opening, Position
from farandole.rebuild.mesh import Mesh
from farandole.rebuild.plan import Plan
from farandole.rebuild.standing import Standing
from farandole.rebuild.subject import Subject

LOOK_AGAIN: Final = timedelta(milliseconds=300)
LIVE: Final = timedelta(seconds=5)
"""What is read within this of being appended is caught up with: the replicas see to the rest before they switch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts, why, and in which operation."""

    operation: str
    by: str
    why: str


Tell = Callable[[int, int], None]
"""Hears how many offsets were read, of how many."""


class Rebuilding:
    """The rebuilds of one service. For one event loop. Its methods raise BrokerUnavailableError and what they name."""

    def __init__(
        self, subject: Subject, *, log: GenerationLog, logs: Logs, mesh: Mesh, following: Following, clock: Clock
    ) -> None:
        self._subject = subject
        self._log = log
        self._logs = logs
        self._mesh = mesh
        self._following = following
        self._clock = clock

    async def plan(self, since: datetime | None) -> Plan:
        """Return what a rebuild would do. Raises UsageError where one was begun that reads from elsewhere."""
        book = await self._log.book(self._subject.service)
        begun = book.building
        if begun is not None and since not in {None, begun.since}:
            raise UsageError(
                f"generation {begun.generation} of {book.service} is being built from elsewhere already",
                why=f"{begun.by} began it at {begun.at:%Y-%m-%d %H:%M} UTC, from {begun.since or 'the beginning'}",
                do=f"leave --from out to go on with it, or farandole replay rebuild cancel --service {book.service}",
                code="E572",
            )
        since = begun.since if begun is not None else since
        spans, gone = await self._mesh.spans(since)
        return Plan(
            service=book.service,
            current=book.current,
            generation=begun.generation if begun is not None else book.highest + 1,
            resumes="" if begun is None else f"{begun.by} at {begun.at:%Y-%m-%d %H:%M:%S} UTC",
            since=since,
            topics=self._subject.topics,
            records=sum(span.end - span.start for span in spans.values()),
            gone=gone,
            drops=tuple(sorted(book.kept | book.dropping)),
        )

    async def build(self, plan: Plan, actor: Actor, tell: Tell) -> None:
        """Build the plan's generation until it has caught up with what happens, and let go of it.

        Raises OperationError where somebody cancels it meanwhile.
        """
        await self._log.ensure()
        await self._begin(plan, actor)
        self._following.start()
        generation = Generation(number=plan.generation)
        hosted = await self._subject.open(self._opening(generation, built=True))
        try:
            await self._caught_up(hosted, plan, tell)
            await hosted.rest()
        finally:
            await hosted.close()
            await self._following.close()

    async def switch(self, number: int, actor: Actor) -> None:
        """Make a generation the current one. Raises OperationError where somebody cancelled or dropped it first."""
        await self._write(Kind.SWITCHED, number, actor)
        book = await self._log.book(self._subject.service)
        if book.current != number:
            raise self._overtaken(number)

    async def served(self, within: timedelta) -> tuple[str, ...]:
        """Return the replicas that answer from the current generation: as soon as one does, or after ``within``."""
        deadline = self._clock.now() + within
        while True:
            book = await self._log.book(self._subject.service)
            if book.servers or self._clock.now() >= deadline:
                return tuple(sorted(book.servers))
            await self._clock.sleep(LOOK_AGAIN)

    async def cancel(self, actor: Actor) -> int:
        """End a rebuild before its switch, and remove what it built. Returns the generation. Raises UsageError."""
        book = await self._log.book(self._subject.service)
        if book.building is None:
            raise UsageError(
                f"no generation of {book.service} is being built",
                why=f"generation {book.current} answers, and nobody has begun another",
                do=f"farandole replay rebuild status --service {book.service}",
                code="E573",
            )
        number = book.building.generation
        await self._write(Kind.CANCELLED, number, actor)
        return number

    async def back(self) -> int:
        """Return the generation that `switch` would go back to: the latest that is kept. Raises UsageError."""
        book = await self._log.book(self._subject.service)
        if not book.kept:
            raise UsageError(
                f"{book.service} has no generation to go back to",
                why=f"generation {book.current} is the only one that is kept",
                do=f"farandole replay rebuild --service {book.service}   builds another",
                code="E574",
            )
        return max(book.kept)

    async def droppable(self) -> tuple[int, ...]:
        """Return the generations that may be dropped: all but the current one and one that is being built."""
        book = await self._log.book(self._subject.service)
        return tuple(sorted(book.kept | book.dropping))

    async def drop(self, number: int, actor: Actor, *, within: timedelta) -> None:
        """Remove a generation for good, once no process holds it.

        First it cannot be switched to any more, then it is removed, then that is written: a crash in between leaves
        something to be dropped again, never a generation that is named and is not there. Raises OperationError where
        it is still held after ``within``.
        """
        await self._write(Kind.RETIRED, number, actor)
        book = await self._log.book(self._subject.service)
        if number not in book.dropping:
            raise self._overtaken(number)
        generation = Generation(number=number)
        await self._left(generation, within)
        await self._subject.remove(self._opening(generation, built=True))
        await self._mesh.forget(generation.named(self._subject.group))
        await self._write(Kind.DROPPED, number, actor)

    async def standing(self) -> Standing:
        """Return where it all stands."""
        book = await self._log.book(self._subject.service)
        begun = book.building
        read = records = 0
        if begun is not None:
            goal = await self._logs.ends()
            group = Generation(number=begun.generation).named(self._subject.group)
            spans, _ = await self._mesh.spans(begun.since)
            records = sum(span.end - span.start for span in spans.values())
            read = max(0, records - behind(await self._logs.committed(group), goal))
        return Standing(
            service=book.service,
            current=book.current,
            served_by=tuple(sorted(book.servers)),
            kept=tuple(sorted(book.kept)),
            leftover=tuple(sorted(book.dropping)),
            building=begun.generation if begun is not None else None,
            begun_by=begun.by if begun is not None else "",
            begun_at=begun.at if begun is not None else None,
            read=read,
            records=records,
        )

    async def _begin(self, plan: Plan, actor: Actor) -> None:
        """Write that it begins, unless somebody has; where two do at once, both go on with the first one's."""
        spans, _ = await self._mesh.spans(plan.since)
        group = Generation(number=plan.generation).named(self._subject.group)
        if not plan.resumes:
            if plan.since is not None:
                await self._mesh.begin_at(group, spans)
            await self._write(Kind.BEGUN, plan.generation, actor, since=plan.since)
        book = await self._log.book(self._subject.service)
        if book.building is None or book.building.generation != plan.generation:
            raise self._overtaken(plan.generation)

    async def _caught_up(self, hosted: Hosted, plan: Plan, tell: Tell) -> None:
        while True:
            asked, goal = self._clock.now(), await self._logs.ends()
            while await self._left_of(hosted, goal, plan, tell):
                await self._go_on(hosted, plan.generation)
            if self._clock.now() - asked < LIVE:
                return

    async def _left_of(self, hosted: Hosted, goal: Position, plan: Plan, tell: Tell) -> int:
        left = behind(await hosted.position(), goal)
        total = max(plan.records, left)
        tell(total - left, total)
        return left

    async def _go_on(self, hosted: Hosted, number: int) -> None:
        """Wait a little. Raises what ended the building, and OperationError where somebody cancelled it."""
        ended = asyncio.ensure_future(hosted.ended())
        try:
            await asyncio.wait({ended}, timeout=LOOK_AGAIN.total_seconds())
            if ended.done():
                ended.result()
        finally:
            ended.cancel()
        book = self._following.book
        if book is not None and number <= book.highest and not _is_built(book, number):
            raise self._overtaken(number)

    async def _left(self, generation: Generation, within: timedelta) -> None:
        group = generation.named(self._subject.group)
        deadline = self._clock.now() + within
        while members := await self._mesh.members(group):
            if self._clock.now() >= deadline:
                raise OperationError(
                    f"generation {generation.number} of {self._subject.service} is still held",
                    why=f"in its group {group} are {', '.join(members)}",
                    do="see why these do not switch over (their /status and log), and drop it again",
                    code="E575",
                )
            await self._clock.sleep(LOOK_AGAIN)

    async def _write(self, kind: Kind, number: int, actor: Actor, *, since: datetime | None = None) -> None:
        entry = Entry(
            kind=kind,
            service=self._subject.service,
            generation=number,
            at=self._clock.now(),
            by=actor.by,
            why=actor.why,
            operation=actor.operation,
            since=since,
        )
        await self._log.append(entry)

    def _opening(self, generation: Generation, *, built: bool) -> Opening:
        return Opening(generation=generation, settings=self._subject.settings, built=built)

    def _overtaken(self, number: int) -> OperationError:
        service = self._subject.service
        return OperationError(
            f"generation {number} of {service} is no longer to be had",
            why="somebody cancelled it, dropped it or switched it meanwhile",
            do=f"farandole replay rebuild status --service {service}   tells who; then begin again",
            code="E576",
        )


def _is_built(book: Book, number: int) -> bool:
    return book.building is not None and book.building.generation == number

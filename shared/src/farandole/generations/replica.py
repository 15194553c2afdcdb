"""Replica: a process that answers from the generation that is current, and changes over while it answers.

The change: the next generation is opened beside the one that answers, and follows the topics until it has read what
they hold. Then the old one rests; when the next one has read as far as the old one had, requests go to it, from one to
the next. So nobody is ever answered from a store that knows less than the one that answered before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from farandole.clock import Clock
from farandole.engine.unless import finished
from farandole.errors import FarandoleError, UnavailableError
from farandole.generations.book import Book
from farandole.generations.distance import behind
from farandole.generations.entry import Entry, Kind
from farandole.generations.following import Following
from farandole.generations.switchboard import Switchboard
from farandole.read_model import Generation, Hosted, Position

log = structlog.get_logger(__name__)

LOOK_AGAIN: Final = timedelta(milliseconds=100)
OPEN_AGAIN: Final = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A generation, and what holds it."""

    generation: Generation
    hosted: Hosted


class Replica:
    """Keeps one service's API on its current generation. Belongs to one event loop."""

    def __init__(
        self,
        *,
        instance: str,
        following: Following,
        switchboard: Switchboard,
        open_: Callable[[Generation], Awaitable[Hosted]],
        ends: Callable[[], Awaitable[Position]],
        append: Callable[[Entry], Awaitable[None]],
        clock: Clock,
        shown: Callable[[Hosted], None] = lambda _: None,
    ) -> None:
        """Plan it; nothing is opened yet.

        Args:
            instance: which replica this is.
            following: tells which generation is current.
            switchboard: where requests come in.
            open_: opens a generation, which then follows the topics.
            ends: tells where the logs end that a generation reads.
            append: writes an entry into the log of generations.
            clock: waits.
            shown: called in the step in which a generation begins to answer.
        """
        self._instance = instance
        self._following = following
        self._switchboard = switchboard
        self._open = open_
        self._ends = ends
        self._append = append
        self._clock = clock
        self._shown = shown
        self._stopping = asyncio.Event()
        self._held: Held | None = None
        self._comes: Generation | None = None

    @property
    def generation(self) -> int | None:
        """The generation that answers; None before the first one does."""
        return self._held.generation.number if self._held else None

    @property
    def comes(self) -> int | None:
        """The generation that is being changed over to."""
        return self._comes.number if self._comes else None

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Answer from the current generation until stopped. Raises what ends a generation by itself."""
        self._following.start()
        try:
            while not self._stopping.is_set():
                book = self._following.book
                if book is not None and book.current != self.generation:
                    await self._change_over(book)
                    continue
                await self._until_something_happens()
        finally:
            await self._following.close()
            held, self._held = self._held, None
            if held is not None:
                await held.hosted.close()

    async def _until_something_happens(self) -> None:
        waits = [asyncio.ensure_future(self._following.changed()), asyncio.ensure_future(self._stopping.wait())]
        if self._held is not None:
            waits.append(asyncio.ensure_future(self._held.hosted.ended()))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in waits:
                one.cancel()

    async def _change_over(self, book: Book) -> None:
        generation = Generation(number=book.current)
        self._comes = generation
        try:
            following = await self._open(generation)
        except UnavailableError as error:
            log.warning("a generation cannot be opened yet", generation=generation.number, reason=error.what)
            await finished(self._clock.sleep(OPEN_AGAIN), unless=self._stopping)
            return
        try:
            taken = await self._until_whole(following, book)
        except BaseException:
            await following.close()
            raise
        if not taken:
            await following.close()
            return
        former, self._held = self._held, Held(generation=generation, hosted=following)
        self._comes = None
        self._shown(following)
        await self._switchboard.show(following.app)
        log.info("answers from another generation", generation=generation.number)
        if former is not None:
            await former.hosted.close()
        await self._tell(book)

    async def _until_whole(self, hosted: Hosted, book: Book) -> bool:
        """Return whether the generation may answer: it has read all that was there, and all that the old one had."""
        whole = asyncio.ensure_future(hosted.whole())
        try:
            while not whole.done():
                await asyncio.wait({whole}, timeout=LOOK_AGAIN.total_seconds())
                if self._is_called_off(book):
                    return False
            whole.result()
        finally:
            whole.cancel()
        if self._held is None and book.is_served:
            return True  # one has answered from it since it became current: it has what it must have
        if not await self._reached(hosted, await self._ends_now(), book):
            return False
        if self._held is None:
            return True
        await self._held.hosted.rest()
        # Nobody calls it off from here on: the old one stands still.
        return await self._reached(hosted, await self._position_of(self._held.hosted), None)

    async def _reached(self, hosted: Hosted, goal: Position, book: Book | None) -> bool:
        while behind(await self._position_of(hosted), goal):
            if not await finished(self._clock.sleep(LOOK_AGAIN), unless=self._stopping):
                return False
            if book is not None and self._is_called_off(book):
                return False
        return True

    def _is_called_off(self, book: Book) -> bool:
        known = self._following.book
        return self._stopping.is_set() or (known is not None and known.current != book.current)

    async def _ends_now(self) -> Position:
        return await self._answered(self._ends)

    async def _position_of(self, hosted: Hosted) -> Position:
        return await self._answered(hosted.position)

    async def _answered(self, ask: Callable[[], Awaitable[Position]]) -> Position:
        while True:
            try:
                return await ask()
            except UnavailableError as error:
                log.warning("waiting for the brokers", reason=error.what)
            if not await finished(self._clock.sleep(OPEN_AGAIN), unless=self._stopping):
                return {}

    async def _tell(self, book: Book) -> None:
        """Tell the log that this replica answers from it: once a replica and change, and never of the first."""
        known = self._following.book or book
        if known.switches == 0 or self._instance in known.servers:
            return
        entry = Entry(
            kind=Kind.SERVED,
            service=book.service,
            generation=book.current,
            at=self._clock.now(),
            by=self._instance,
        )
        with contextlib.suppress(FarandoleError):  # a word for whoever looks on; nothing depends on it
            await self._append(entry)

"""Running: sends exactly what a plan chose, no faster than the service takes it, and minds what operators ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from farandole.clock import Clock
from farandole.delivery import Record, Replay
from farandole.kafka.log_reader import LogReader
from farandole.operations import Given, Pace, Redelivery, Sending, Sent
from farandole.replay.brake import Brake, Traffic
from farandole.replay.chosen import Chosen
from farandole.replay.fate import Fate, fate_of
from farandole.replay.given_again import given_again
from farandole.replay.judging import Heard, Judging
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.receipt import Progress

LOOK_EVERY: Final = timedelta(seconds=1)
AT_ONCE: Final = timedelta(milliseconds=50)
"""What is sent together, as a part of the rate: a live event may have to wait behind that much."""

Tell = Callable[[Progress, str], None]
"""Hears how far a run has come, and why it holds."""


class CancelledByOperator(Exception):  # noqa: N818 - it is no error: somebody asked for it
    """Somebody asked for an end, and what was sent by then stays sent."""


class Lookout(Protocol):
    """Sees how the service does."""

    async def look(self) -> Traffic:
        """Look once."""
        ...


@dataclass(slots=True)
class Wishes:
    """What operators asked for last. Written by whoever follows the audit topic, read by the run."""

    wish: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, wish: str) -> None:
        """Note a wish. Nothing takes a cancel back."""
        if self.wish != "cancel":
            self.wish = wish
        self.changed.set()


class Running:
    """One process's run of a plan. Use it once; for one task."""

    def __init__(
        self,
        plan: Plan,
        chosen: Chosen,
        *,
        log: LogReader,
        judging: Judging,
        redelivery: Redelivery,
        lookout: Lookout,
        brake: Brake,
        wishes: Wishes,
        clock: Clock,
        tell: Tell,
    ) -> None:
        self._plan = plan
        self._chosen = chosen
        self._log = log
        self._judging = judging
        self._redelivery = redelivery
        self._lookout = lookout
        self._brake = brake
        self._wishes = wishes
        self._clock = clock
        self._tell = tell
        self._pace = Pace(plan.rate, clock)
        self._at_once = max(1, min(brake.most_outstanding // 2, round(plan.rate * AT_ONCE.total_seconds())))
        self._replay = (
            Replay(id=plan.id, effects=plan.effects, cascade=plan.cascade) if plan.mode is Mode.AGAIN else None
        )
        self._replay_id = self._replay.id if self._replay is not None else ""
        self._room = 0
        self._looks_again = clock.now()
        self.progress = Progress(planned=len(chosen))
        self.sent: list[Given] = []
        """What was sent, by this process or an earlier one."""

    async def send_all(self, already: Sent) -> None:
        """Send what is chosen and not ``already`` sent. Raises CancelledByOperator, and what it stands on raises."""
        cancelled: CancelledByOperator | None = None
        async for records in self._records():
            heard = [one for record in records if (one := self._judging.heard(record)) is not None]
            await self._note_earlier([one for one in heard if already.has(one.trace.coordinates, self._replay_id)])
            if cancelled is not None:
                continue
            self._lost_hearing(len(records) - len(heard))
            try:
                await self._send_new([one for one in heard if not already.has(one.trace.coordinates, self._replay_id)])
            except CancelledByOperator as end:
                if not len(already):
                    raise
                cancelled = end  # nothing more is sent, and what an earlier process sent further on still counts
        if cancelled is not None:
            raise cancelled

    async def _send_new(self, heard: Sequence[Heard]) -> None:
        to_send = self._fitting(await self._still_to_send(heard))
        for first in range(0, len(to_send), self._at_once):
            page = to_send[first : first + self._at_once]
            await self._clear_for(len(page))
            await self._pace.wait(len(page))
            await self._redelivery.send([self._sending(one, attempt) for one, attempt in page])
            self._room -= len(page)
            self._note_sent(page)

    async def _records(self) -> AsyncIterator[list[Record]]:
        batches = self._log.records(self._chosen.spans)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            records = [record for record in batch if record.coordinates in self._chosen]
            if records:
                yield records

    async def _still_to_send(self, heard: Sequence[Heard]) -> list[tuple[Heard, int]]:
        """Return what is to be sent, each with its attempt; count what was handled, or is on its way, since the plan.

        Under ``again`` nothing that happened since matters: the replay's key is its own.
        """
        if self._replay is not None:
            return [(one, 0) for one in heard]
        judged = await self._judging.judged([one.trace for one in heard])
        left = []
        for one in heard:
            found = judged[one.trace.key]
            fate = fate_of(found.standing, self._plan.mode, with_not_provable=self._plan.with_not_provable)
            if fate is Fate.RUN:
                left.append((one, found.attempt))
            else:
                self.progress = self.progress.without(fate)
        return left

    def _fitting(self, found: Sequence[tuple[Heard, int]]) -> list[tuple[Heard, int]]:
        """Return what the redelivery topic takes; count and name the rest, as it would be refused for ever."""
        fitting = []
        for one, attempt in found:
            if self._sending(one, attempt).fits(self._plan.id):
                fitting.append((one, attempt))
            else:
                self.progress = self.progress.without(Fate.TOO_LARGE).named(str(one.trace.coordinates))
        return fitting

    def _sending(self, one: Heard, attempt: int) -> Sending:
        return given_again(one, attempt=attempt, replay=self._replay)

    def _lost_hearing(self, count: int) -> None:
        for _ in range(count):
            self.progress = self.progress.without(Fate.UNHEARD)

    async def _note_earlier(self, heard: Sequence[Heard]) -> None:
        """Note what an earlier process sent; its record on the redelivery topic tells at which attempt."""
        if heard and self._replay is None:
            judged = await self._judging.judged([one.trace for one in heard])
            self._note_sent([(one, judged[one.trace.key].attempt - 1) for one in heard])
        elif heard:
            self._note_sent([(one, 0) for one in heard])

    def _note_sent(self, page: Sequence[tuple[Heard, int]]) -> None:
        self.sent += [
            Given(source=one.trace.source, event_id=one.trace.event_id, attempt=attempt, replay_id=self._replay_id)
            for one, attempt in page
        ]
        self.progress = self.progress.with_sent(len(page))
        self._tell(self.progress, self._brake.holding)

    async def _clear_for(self, count: int) -> None:
        """Return when ``count`` more may be sent."""
        while True:
            await self._mind_wishes()
            if self._room < count or self._clock.now() >= self._looks_again:
                traffic = await self._lookout.look()
                self._brake = self._brake.seen(traffic)
                self._room = self._brake.room(traffic)
                self._looks_again = self._clock.now() + LOOK_EVERY
            if self._room >= count:
                return
            self._tell(self.progress, self._brake.holding or "waiting for the service")
            await self._clock.sleep(LOOK_EVERY / 4)
            self._looks_again = self._clock.now()

    async def _mind_wishes(self) -> None:
        """Wait while it is paused. Raises CancelledByOperator."""
        while self._wishes.wish == "pause":
            self._tell(self.progress, "paused")
            self._wishes.changed.clear()
            await self._wishes.changed.wait()
        if self._wishes.wish == "cancel":
            raise CancelledByOperator

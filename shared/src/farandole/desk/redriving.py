"""Redriving: sends the letters of a plan, a few first where that is wanted, and sees what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from farandole.delivery import Record
from farandole.desk.reader import Reader
from farandole.desk.redrive_plan import RedrivePlan, Send, bare, sending
from farandole.operations import Given, Outcome, Outcomes, Pace, Redelivery, Sent
from farandole.operations.outcomes import counted

Tell = Callable[[int, str], None]
"""Told how many more were sent, and what is waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redriven:
    """How a redrive ended: how many were ``sent``, what became of them, and why it stopped before the end, if so.

    ``unsent`` are those that it did not come to, or whose letters are not there any more.
    """

    sent: int
    unsent: int
    outcomes: Mapping[Outcome, int]
    stopped: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """The counts, by words."""
        return {"sent": self.sent, "unsent": self.unsent, **{one.value: self.outcomes.get(one, 0) for one in Outcome}}

    @property
    def is_settled(self) -> bool:
        """Whether all were sent, and each is done or dead."""
        return not self.unsent and all(one.is_final or not count for one, count in self.outcomes.items())


class Redriving:
    """Sends what was planned. For one redrive, and one event loop.

    Whoever ends it by force has done no harm: what was sent is on its way, and what was not is still open.
    """

    def __init__(
        self, reader: Reader, redelivery: Redelivery, outcomes: Outcomes, *, pace: Pace, wait: timedelta, tell: Tell
    ) -> None:
        """Prepare. ``wait`` is how long outcomes are waited for, after the canary and after the rest."""
        self._reader = reader
        self._redelivery = redelivery
        self._outcomes = outcomes
        self._pace = pace
        self._wait = wait
        self._tell = tell
        self._is_halted = False

    def halt(self) -> None:
        """Send nothing more, and wait for nothing: `run` then tells what became of what was sent."""
        self._is_halted = True

    async def run(
        self, plan: RedrivePlan, *, canary: int = 0, before: Sent | None = None, earlier: Sequence[Given] = ()
    ) -> Redriven:
        """Send the plan and return what became of it; what ``before`` names was sent already, by the same operation.

        ``earlier`` are those that it had sent and that are no part of the plan any more: they are counted, too. With a
        ``canary`` so many go first, and the others only once all of those are done. Raises what the brokers, the
        ledger and the inbox raise while they are away.
        """
        first, rest = (plan.sends[:canary], plan.sends[canary:]) if 0 < canary < len(plan.sends) else ((), plan.sends)
        sent = list(earlier)
        if first:
            tried = await self._send(replace(plan, sends=first), before)
            sent += tried
            became = await self._became(sent, "the canary")
            if self._is_halted or sum(became[one] is Outcome.DONE for one in tried) < len(first):
                counts = counted(became[one] for one in tried)
                stopped = _halted(len(plan.sends) - len(tried)) if self._is_halted else _stopped(counts, len(rest))
                unsent = len(plan.sends) - len(tried)
                return Redriven(sent=len(sent), unsent=unsent, outcomes=counted(became.values()), stopped=stopped)
        sent += await self._send(replace(plan, sends=rest), before)
        became = await self._became(sent, "the outcomes")
        unsent = len(plan.sends) + len(earlier) - len(sent)
        stopped = _halted(unsent) if self._is_halted else ""
        return Redriven(sent=len(sent), unsent=unsent, outcomes=counted(became.values()), stopped=stopped)

    async def _send(self, plan: RedrivePlan, before: Sent | None) -> list[Given]:
        """Send what is still there of a plan; return what the redelivery topic has of it by then."""
        places, batch, sent = plan.by_place, list[tuple[Record, Send]](), list[Given]()
        async for record in self._reader.records(plan.spans):
            send = places.get(bare(record.coordinates))
            if send is not None:
                batch.append((record, send))
            if len(batch) >= self._pace.at_once:
                sent += await self._give(batch, before)
                batch = []
            if self._is_halted:
                return sent
        return sent + await self._give(batch, before)

    async def _give(self, batch: Sequence[tuple[Record, Send]], before: Sent | None) -> list[Given]:
        """Send a batch, unless the end was asked for while it waited for its turn."""
        deliveries = [(self._reader.delivery(record), send) for record, send in batch]
        fresh = [
            sending(one, send)
            for one, send in deliveries
            if before is None or not before.has(one.origin, one.replay_id)
        ]
        if fresh:
            await self._pace.wait(len(fresh))
            if self._is_halted:
                fresh_ones = {id(one.record) for one in fresh}
                return [given(send) for record, send in batch if id(record) not in fresh_ones]
            await self._redelivery.send(fresh)
        self._tell(len(batch), "")
        return [given(send) for _, send in batch]

    async def _became(self, sent: Sequence[Given], what: str) -> Mapping[Given, Outcome]:
        """Wait until each is done or dead, or the time is up."""

        def told(counts: Mapping[Outcome, int]) -> None:
            left = sum(count for one, count in counts.items() if not one.is_final)
            self._tell(0, f"waiting for {what}: {left} left" if left else "")
            if left and self._is_halted:
                raise _HaltedError

        try:
            return await self._outcomes.wait(sent, within=self._wait, told=told)
        except _HaltedError:
            return dict(zip(sent, await self._outcomes.of(sent), strict=True))


def given(send: Send) -> Given:
    """Return under which name the service's memory knows what is sent."""
    subject = send.letter.subject
    return Given(source=subject.source, event_id=subject.event_id, attempt=send.attempt, replay_id=subject.replay_id)


class _HaltedError(Exception):
    """Nobody waits any more."""


def _halted(unsent: int) -> str:
    return f"somebody asked to cancel it; {unsent} were not sent"


def _stopped(became: Mapping[Outcome, int], rest: int) -> str:
    counts = ", ".join(f"{count} {one.value}" for one, count in became.items() if count)
    return f"the canary is not all done ({counts}); {rest} were not sent"

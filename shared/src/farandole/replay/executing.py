"""Executing: a plan from its first record in the audit topic to its receipt, in one process or in several in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from farandole.clock import Clock
from farandole.operations import (
    Asked,
    AuditTopic,
    Began,
    Checkpoint,
    Operation,
    Outcomes,
    Redelivery,
    Resumed,
    Sent,
    recorded,
)
from farandole.operations import Outcome as Found
from farandole.replay.beside import beside
from farandole.replay.book import Book, Entry, demand_open
from farandole.replay.brake import Brake
from farandole.replay.chosen import Chosen
from farandole.replay.declared import handlers_digest
from farandole.replay.ground import Ground
from farandole.replay.mode import Mode
from farandole.replay.receipt import Outcome, Progress, Receipt, receipt_of
from farandole.replay.running import CancelledByOperator, Running, Wishes
from farandole.replay.staleness import Now, demand_fresh
from farandole.replay.taken import taken
from farandole.replay.watching import Watching

CHECKPOINT_EVERY: Final = timedelta(seconds=5)
WAIT: Final = timedelta(minutes=1)
"""How long the outcomes are waited for, after the last record was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """How a plan is executed: by which operation (of the plan's id), what it may pass over, and who hears how it goes.

    ``wait`` is how long outcomes are waited for; ``tell`` hears of the sending, ``told`` of the outcomes, ``say`` of
    everything else.
    """

    operation: Operation
    may_be_old: bool = False
    wait: timedelta = WAIT
    tell: Callable[[Progress, str], None] = lambda _progress, _why: None
    told: Callable[[Outcome], None] = lambda _outcome: None
    say: Callable[[str], None] = lambda _line: None


class Executor:
    """Executes the plan of an entry. Use it once; for one event loop."""

    def __init__(
        self,
        ground: Ground,
        audit: AuditTopic,
        entry: Entry,
        execution: Execution,
        *,
        clock: Clock,
    ) -> None:
        self._ground = ground
        self._audit = audit
        self._entry = entry
        self._plan = entry.story.plan
        self._chosen = Chosen.unpacked(self._plan.packed)
        self._execution = execution
        self._clock = clock
        self._wishes = Wishes()

    async def run(self) -> Receipt:
        """Send what the plan chose, wait for the outcomes, and return the receipt, which the audit topic has by then.

        Interrupted, another process may do it again: each record is sent once. Raises StalePlanError, OperationError
        where another process is at it or has ended it, and what Kafka, Redis and the database raise.
        """
        await self._demand_fresh()
        async with taken(self._ground, self._execution.operation, clock=self._clock, say=self._execution.say):
            # Another process may have been at it until now.
            self._entry = await Book(self._audit).find(self._plan.id)
            demand_open(self._entry.story, "run")
            if self._entry.story.wish == "cancel":
                self._wishes.take("cancel")
            target = self._ground.target
            async with Redelivery(target.connection, service=self._plan.service, operation=self._plan.id) as redelivery:
                return await self._run(redelivery)

    async def _run(self, redelivery: Redelivery) -> Receipt:
        marks, sent = self._marks() or await redelivery.marks(), Sent()
        resumes = self._entry.story.began is not None
        if resumes:
            sent = await redelivery.sent(marks)
            await self._audit.append(self._resumed())
        details = {"mode": self._plan.mode.value, "planned": len(self._chosen)}
        operation = self._execution.operation
        async with recorded(self._audit, operation, marks=marks, details=details, resumes=resumes) as record:
            receipt = await self._send_and_wait(redelivery, sent)
            record.result = "cancelled" if receipt.ended == "cancelled" else "done"
            record.counts = {"sent": receipt.progress.sent, **_counts(receipt.outcome)}
            record.details = msgspec.to_builtins(receipt)
        return receipt

    async def _demand_fresh(self) -> None:
        plan, log = self._plan, await self._ground.log()

        def look() -> Now:
            partitions = log.partitions()
            existing = {one.topic for one in partitions}
            return Now(
                cluster=self._ground.cluster,
                topics=log.topic_ids([one for one in plan.topics if one in existing]),
                starts=log.starts([one for one in self._chosen.spans if one in partitions]),
                digest=handlers_digest(self._ground.service),
                at=self._clock.now(),
            )

        demand_fresh(plan, self._chosen, await asyncio.to_thread(look), may_be_old=self._execution.may_be_old)

    def _marks(self) -> Mapping[int, int]:
        """Return where the redelivery topic ended before anything was sent."""
        return next((one.record.marks for one in self._entry.noted if isinstance(one.record, Began)), {})

    def _resumed(self) -> Resumed:
        begun = self._execution.operation
        who = begun.claimed or begun.who
        return Resumed(operation=self._plan.id, at=begun.at, who=who, why=begun.why, command=begun.command)

    async def _send_and_wait(self, redelivery: Redelivery, sent: Sent) -> Receipt:
        async with self._ground.judging(self._execution.say) as judging:
            if self._plan.mode is Mode.MISSING:
                await judging.look(self._plan.topics, with_emitted=True)
            lookout = Watching(
                self._ground.service, await self._ground.log(), self._ground.breakers, needs=self._needs()
            )
            running = Running(
                self._plan,
                self._chosen,
                log=await self._ground.log(),
                judging=judging,
                redelivery=redelivery,
                lookout=lookout,
                brake=Brake(usual_lag=(await lookout.look()).live_lag),
                wishes=self._wishes,
                clock=self._clock,
                tell=self._execution.tell,
            )
            is_cancelled = False
            try:
                await beside(running.send_all(sent), self._follow(), self._checkpoints(running))
            except CancelledByOperator:
                is_cancelled = True
        outcome = await self._outcome(running, within=timedelta(0) if is_cancelled else self._execution.wait)
        return self._receipt(running, outcome, is_cancelled=is_cancelled)

    def _needs(self) -> set[str]:
        return {name for one in self._plan.counts.runs for name in one.depends_on}

    async def _follow(self) -> None:
        """Hear what operators ask for, at any terminal."""
        start = self._entry.noted[-1].offset + 1 if self._entry.noted else 0
        async for one in self._audit.follow(Asked, operation=self._plan.id, start=start):
            if isinstance(one.record, Asked):
                self._wishes.take(one.record.wish)

    async def _checkpoints(self, running: Running) -> None:
        """Keep in the audit topic how far it has come, for whoever asks from elsewhere."""
        while True:
            await self._clock.sleep(CHECKPOINT_EVERY)
            progress = running.progress
            counts = {"sent": progress.sent, "left": progress.left}
            await self._audit.append(Checkpoint(operation=self._plan.id, at=self._clock.now(), marks={}, counts=counts))

    async def _outcome(self, running: Running, *, within: timedelta) -> Outcome:
        outcomes = Outcomes(self._ground.ledger, self._ground.inbox, clock=self._clock)
        found = await outcomes.wait(
            running.sent, within=within, told=lambda counts: self._execution.told(_outcome_of(counts))
        )
        counts = dict.fromkeys(Found, 0)
        for one in found.values():
            counts[one] += 1
        return _outcome_of(counts)

    def _receipt(self, running: Running, outcome: Outcome, *, is_cancelled: bool) -> Receipt:
        begun = self._execution.operation
        return receipt_of(
            self._plan,
            who=self._entry.story.who or begun.claimed or begun.who,
            why=self._entry.story.why or begun.why,
            began=self._entry.story.began or begun.at,
            ended_at=self._clock.now(),
            is_cancelled=is_cancelled,
            progress=running.progress,
            outcome=outcome,
        )


def _outcome_of(counts: Mapping[Found, int]) -> Outcome:
    return Outcome(
        done=counts[Found.DONE],
        dead=counts[Found.DEAD],
        retrying=counts[Found.RETRYING],
        waiting=counts[Found.WAITING],
    )


def _counts(outcome: Outcome) -> dict[str, int]:
    counts: dict[str, int] = msgspec.to_builtins(outcome)
    return counts

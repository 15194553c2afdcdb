"""Processor: takes one claimed delivery to its end: dropped, handled, sent to a retry tier, or dead.

The order of the steps is the protocol: follow-ons are acknowledged before `done` is settled; `retry` and `dead` are
settled before the record that they announce; an offset is finished only after the ledger's reply. A refused settle
means that the delivery was lost to another worker: it is claimed again, and the new verdict obeyed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final, TypeVar

import structlog

from farandole.calls import Calls, noting
from farandole.clock import Clock
from farandole.dead_letters import UNTOLD, Report
from farandole.delivery import Delivery
from farandole.engine.attempt import Attempt, Handled, Tombstoned
from farandole.engine.gate import Gate, Passage, Troubles
from farandole.engine.intake import Admitted, Intake
from farandole.engine.pause import FIRST_PAUSE, longer
from farandole.engine.ports import Message, Partition, Publisher, Source
from farandole.engine.private_records import PrivateRecords
from farandole.engine.refusals import nameless
from farandole.engine.rerun import runs
from farandole.engine.session import LedgerSession
from farandole.engine.size import fits_private_topic
from farandole.engine.telling import Telling
from farandole.engine.thrown import ends_the_task, telling
from farandole.errors import FarandoleError, UnavailableError
from farandole.ledger import Claim, Settle, State, Verdict, event_key
from farandole.metrics import Metrics
from farandole.recovery import (
    AwaitDependency,
    Decision,
    Failure,
    HoldBack,
    Pause,
    Policy,
    RetryLater,
    RetryNow,
    await_dependency,
    decide,
)
from farandole.store import InboxEntry, Store, StoredFollowOn, inbox_id

log = structlog.get_logger(__name__)

T = TypeVar("T")

UNREADABLE: Final = Policy()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A delivery that failed, and what was decided about it."""

    decision: Decision
    report: Report


@dataclass(kw_only=True, slots=True)
class Tries:
    """How often a delivery was tried in memory: ``immediate`` times at once, ``held`` times after a wait.

    ``troubles`` are those times that were its dependencies' fault; they use no attempt up.
    """

    immediate: int = 0
    held: int = 0
    troubles: Troubles = field(default_factory=Troubles)


def claim_of(delivery: Delivery) -> Claim:
    """Return the claim that a delivery makes on its event."""
    return Claim(
        key=event_key(delivery.envelope.source, delivery.event_id, delivery.replay_id),
        attempt=delivery.attempt,
        coordinates=delivery.coordinates,
        digest=delivery.digest,
    )


class Processor:
    """Takes deliveries of one service to their end. For one event loop."""

    def __init__(
        self,
        *,
        attempt: Attempt,
        intake: Intake,
        session: LedgerSession,
        source: Source,
        publisher: Publisher,
        store: Store | None,
        clock: Clock,
        records: PrivateRecords,
        metrics: Metrics,
        random: Random,
        hold: Callable[[Delivery], AbstractContextManager[None]],
        gate: Gate,
        outcomes: Telling,
    ) -> None:
        self._attempt = attempt
        self._intake = intake
        self._session = session
        self._source = source
        self._publisher = publisher
        self._store = store
        self._clock = clock
        self._records = records
        self._metrics = metrics
        self._random = random
        self._hold = hold
        self._gate = gate
        self._outcomes = outcomes

    async def process(self, admitted: Admitted, verdict: Verdict) -> None:
        """Take a delivery to its end and finish its record. Ends early, without finishing, only by cancellation."""
        tries, pause = Tries(), FIRST_PAUSE
        while not await self._obeyed(admitted, verdict, tries, pause):
            pause = longer(pause)
            verdict, _ = await self._session.claim(claim_of(admitted.delivery))
        self._source.finish(admitted.delivery.record)

    async def process_untold(self, admitted: Admitted) -> None:
        """Ask of what type a delivery is, then claim it and take it to its end; finish it where it is not heard.

        Not claimed before: what it claims depends on what it is.
        """
        told = await self._told(admitted.delivery)
        if told is None:
            self._source.finish(admitted.delivery.record)
            return
        verdict, conflicting = await self._session.claim(claim_of(told.delivery))
        if conflicting:
            self._metrics.conflicting(told.delivery)
            self._outcomes.note("conflicting", told.delivery)
        await self.process(told, verdict)

    async def _told(self, delivery: Delivery) -> Admitted | None:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._intake.told(delivery.record)
            except Exception as error:
                reason = error.what if isinstance(error, FarandoleError) else type(error).__name__
                await self._wait(delivery, pause, reason)
                pause = longer(pause)

    async def _obeyed(self, admitted: Admitted, verdict: Verdict, tries: Tries, pause: timedelta) -> bool:
        try:
            return await self._obey(admitted, verdict, tries)
        except Exception as error:
            # Not the handler's failure, so no policy knows it. The ledger knows how far the delivery came.
            log.exception("a delivery could not be taken to its end and is claimed again")
            await self._wait(admitted.delivery, pause, type(error).__name__)
            return False

    async def _obey(self, admitted: Admitted, verdict: Verdict, tries: Tries) -> bool:
        delivery = admitted.delivery
        match verdict:
            case Verdict.DROP:
                self._metrics.dropped(delivery.envelope.type)
                self._outcomes.note("dropped", delivery)
            case Verdict.REPUBLISH_RETRY:
                await self._publish_retry(admitted, UNTOLD, self._backoff(admitted))
            case Verdict.REPUBLISH_DEAD:
                await self._publish_dead(admitted, UNTOLD)
            case Verdict.RUN:
                if await self._runs(admitted):
                    return await self._run(admitted, tries)
                return await self._skip(admitted)
        return True

    async def _runs(self, admitted: Admitted) -> bool:
        delivery, handler = admitted.delivery, admitted.handler
        if delivery.replay is None:
            return True
        return await self._insist(delivery, lambda: runs(delivery, handler, store=self._store, session=self._session))

    async def _run(self, admitted: Admitted, tries: Tries) -> bool:
        """Return whether the delivery came to its end; if not, it is to be claimed again."""
        pause = FIRST_PAUSE
        while True:
            result = await self._try(admitted, tries)
            match result:
                case Failed(decision=RetryNow()):
                    tries.immediate += 1
                case Failed(decision=Pause(reason=reason)):
                    await self._wait(admitted.delivery, pause, reason)
                    pause = longer(pause)
                case Failed(decision=HoldBack(delay=delay)):
                    await self._hold_back(admitted.delivery, tries, delay)
                    return False
                case Failed(decision=AwaitDependency(delay=delay)):
                    # Not the gate's hold: with whoever waits for a time of his own nobody could probe.
                    with self._hold(admitted.delivery):
                        await self._clock.sleep(delay)
                    return False
                case Failed(decision=RetryLater(delay=delay), report=report) if self._can_retry(
                    admitted, report, delay
                ):
                    return await self._retry(admitted, report, delay)
                case Failed(report=report):
                    return await self._dead(admitted, report)
                case Tombstoned():
                    # This delivery holds the claim, so the tombstone is its own, from before a crash; if it is not,
                    # the settle is refused.
                    return await self._dead(admitted, UNTOLD)
                case Handled(follow_ons=follow_ons):
                    return await self._done(admitted, follow_ons)

    async def _hold_back(self, delivery: Delivery, tries: Tries, delay: timedelta) -> None:
        """Wait at the head of the lane. Claimed again after it: another worker may have done it meanwhile."""
        tries.held += 1
        tries.immediate = 0
        with self._hold(delivery):
            await self._clock.sleep(delay)

    async def _try(self, admitted: Admitted, tries: Tries) -> Handled | Tombstoned | Failed:
        delivery, handler = admitted.delivery, admitted.handler
        again = delivery.attempt > delivery.round_start or tries.immediate > 0 or tries.held > 0
        passage = await self._gate.enter(delivery, handler, tries.troubles, rerun=again)
        with noting() as calls:
            try:
                if handler is None:
                    raise admitted.refusal or nameless()
                with self._metrics.running(delivery.envelope.type):
                    result = await self._attempt.run(delivery, handler)
            except BaseException as error:
                if ends_the_task(error):
                    self._gate.abandon(passage)
                    raise
                return await self._failed(admitted, telling(error), tries, passage, calls)
        ran = isinstance(result, Handled) and not result.remembered
        await self._gate.leave(passage, None, calls, tries.troubles, ran=ran)
        return result

    async def _failed(
        self, admitted: Admitted, error: BaseException, tries: Tries, passage: Passage, calls: Calls
    ) -> Failed:
        delivery = admitted.delivery
        policy = admitted.handler.policy if admitted.handler else UNREADABLE
        trouble = await self._gate.leave(passage, error, calls, tries.troubles, ran=True)
        decision: Decision
        if trouble is None:
            attempt = delivery.attempt - delivery.round_start + tries.held
            decision = decide(Failure(error=error, attempt=attempt, immediate=tries.immediate), policy, self._random)
        else:
            decision = await_dependency(
                error, policy, failures=tries.troubles.failures, is_open=trouble.shut, random=self._random
            )
        reason = "" if isinstance(decision, RetryNow) else decision.reason
        self._metrics.failed(delivery, error, decision)
        return Failed(decision=decision, report=Report.of(error, reason))

    async def _done(self, admitted: Admitted, follow_ons: Sequence[StoredFollowOn]) -> bool:
        await self._publish(
            admitted.delivery,
            [Message(topic=one.topic, key=one.key, value=one.value, headers=one.headers) for one in follow_ons],
        )
        accepted = await self._settle(admitted.delivery, State.DONE)
        if accepted:
            self._metrics.handled(admitted.delivery.envelope.type)
            if not follow_ons:
                self._outcomes.note("handled", admitted.delivery)
        return accepted

    async def _skip(self, admitted: Admitted) -> bool:
        """Settle what a replay brings and does not run. The inbox is told too: it outlives the ledger."""
        known = await self._note(admitted.delivery, Store.skip)
        if known is not None and known.state == "handled":
            return await self._done(admitted, known.follow_ons)
        accepted = await self._settle(admitted.delivery, State.DONE)
        if accepted:
            self._metrics.skipped(admitted.delivery.envelope.type)
            self._outcomes.note("skipped", admitted.delivery)
        return accepted

    async def _retry(self, admitted: Admitted, report: Report, delay: timedelta) -> bool:
        if not await self._settle(admitted.delivery, State.RETRY):
            return False
        await self._publish_retry(admitted, report, delay)
        self._metrics.retried(admitted.delivery.envelope.type)
        return True

    async def _dead(self, admitted: Admitted, report: Report) -> bool:
        # A tombstone forbids the attempt to whoever else may be at it; where the event is handled it comes too late.
        handled = await self._note(admitted.delivery, Store.tombstone)
        if handled is not None:
            return await self._done(admitted, handled.follow_ons)
        if not await self._settle(admitted.delivery, State.DEAD):
            return False
        await self._publish_dead(admitted, report)
        self._metrics.died(admitted.delivery.envelope.type)
        return True

    async def _note(
        self, delivery: Delivery, note: Callable[[Store, str, str, int], Awaitable[InboxEntry | None]]
    ) -> InboxEntry | None:
        """Note in the inbox what became of a delivery; return the entry of an event that turns out to be settled."""
        store = self._store
        if store is None:
            return None
        source, key = delivery.envelope.source, inbox_id(delivery.event_id, delivery.replay_id)
        return await self._insist(delivery, lambda: note(store, source, key, delivery.attempt))

    async def _publish_retry(self, admitted: Admitted, report: Report, delay: timedelta) -> None:
        record = self._records.retry(admitted.delivery, admitted.handler, report, delay)
        await self._publish(admitted.delivery, [record])

    def _can_retry(self, admitted: Admitted, report: Report, delay: timedelta) -> bool:
        return fits_private_topic(self._records.retry(admitted.delivery, admitted.handler, report, delay))

    async def _publish_dead(self, admitted: Admitted, report: Report) -> None:
        record = self._records.dead_letter(admitted.delivery, admitted.handler, report)
        await self._publish(admitted.delivery, [record])

    async def _publish(self, delivery: Delivery, messages: Sequence[Message]) -> None:
        if messages:
            await self._insist(delivery, lambda: self._publisher.publish(messages))

    async def _insist(self, delivery: Delivery, step: Callable[[], Awaitable[T]]) -> T:
        """Take a step that is decided: what is away may only delay it now."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await step()
            except UnavailableError as error:
                await self._wait(delivery, pause, error.what)
                pause = longer(pause)

    async def _settle(self, delivery: Delivery, state: State) -> bool:
        claim = claim_of(delivery)
        settle = Settle(
            key=claim.key, attempt=claim.attempt, coordinates=claim.coordinates, digest=claim.digest, state=state
        )
        return await self._insist(delivery, lambda: self._session.settle(settle))

    async def _wait(self, delivery: Delivery, pause: timedelta, reason: str) -> None:
        """Wait for what the mesh stands on: nothing more of the partition is fetched meanwhile."""
        partition = Partition(topic=delivery.coordinates.topic, number=delivery.coordinates.partition)
        self._metrics.paused(partition.topic, partition.number, reason)
        self._source.pause(partition)
        try:
            with self._hold(delivery):
                await self._clock.sleep(pause)
        finally:
            self._source.resume(partition)

    def _backoff(self, admitted: Admitted) -> timedelta:
        policy = admitted.handler.policy if admitted.handler else UNREADABLE
        attempt = admitted.delivery.attempt - admitted.delivery.round_start
        return policy.backoff.delay(attempt, self._random)

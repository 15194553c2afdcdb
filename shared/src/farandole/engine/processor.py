"""Processor: takes one claimed delivery to its end: dropped, handled, sent to a retry tier, or dead.

The order of the steps is the protocol: follow-ons are acknowledged before `done` is settled; `retry` and `dead` are
settled before the record that they announce; an offset is finished only after the ledger's reply. A refused settle
means that the delivery was lost to another worker: it is claimed again, and the new verdict obeyed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

import structlog

from farandole.clock import Clock
from farandole.dead_letters import UNTOLD, Report, private_headers
from farandole.delivery import Delivery
from farandole.engine.attempt import Attempt, Handled, Tombstoned
from farandole.engine.intake import Admitted
from farandole.engine.pause import FIRST_PAUSE, longer
from farandole.engine.ports import Message, Partition, Publisher, Source
from farandole.engine.session import LedgerSession
from farandole.engine.size import fits_private_topic
from farandole.engine.thrown import ends_the_task
from farandole.errors import BrokerUnavailableError, StoreUnavailableError, UndecodableError
from farandole.handler import Handler
from farandole.ledger import Claim, Settle, State, Verdict, event_key
from farandole.metrics import Metrics
from farandole.private_topics import PrivateTopics
from farandole.recovery import Decision, Failure, Pause, Policy, RetryLater, RetryNow, decide
from farandole.store import Store, StoredFollowOn

log = structlog.get_logger(__name__)

UNREADABLE: Final = Policy()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A delivery that failed, and what was decided about it."""

    decision: Decision
    report: Report


def claim_of(delivery: Delivery) -> Claim:
    """Return the claim that a delivery makes on its event."""
    return Claim(
        key=event_key(delivery.envelope.source, delivery.event_id),
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
        session: LedgerSession,
        source: Source,
        publisher: Publisher,
        store: Store | None,
        clock: Clock,
        topics: PrivateTopics,
        metrics: Metrics,
        version: str,
        random: Random,
        on_wait: Callable[[int], None],
    ) -> None:
        self._attempt = attempt
        self._session = session
        self._source = source
        self._publisher = publisher
        self._store = store
        self._clock = clock
        self._topics = topics
        self._metrics = metrics
        self._version = version
        self._random = random
        self._on_wait = on_wait

    async def process(self, admitted: Admitted, verdict: Verdict) -> None:
        """Take a delivery to its end and finish its record. Ends early, without finishing, only by cancellation."""
        pause = FIRST_PAUSE
        while not await self._obeyed(admitted, verdict, pause):
            pause = longer(pause)
            ((verdict, _),) = await self._session.claim([claim_of(admitted.delivery)])
        self._source.finish(admitted.delivery.record)

    async def _obeyed(self, admitted: Admitted, verdict: Verdict, pause: timedelta) -> bool:
        try:
            return await self._obey(admitted, verdict)
        except Exception as error:
            # Not the handler's failure, so no policy knows it. The ledger knows how far the delivery came.
            log.exception("a delivery could not be taken to its end and is claimed again")
            await self._wait(admitted.delivery, pause, type(error).__name__)
            return False

    async def _obey(self, admitted: Admitted, verdict: Verdict) -> bool:
        delivery = admitted.delivery
        match verdict:
            case Verdict.DROP:
                self._metrics.dropped(delivery.envelope.type)
            case Verdict.REPUBLISH_RETRY:
                await self._publish_retry(admitted, UNTOLD, self._backoff(admitted))
            case Verdict.REPUBLISH_DEAD:
                await self._publish_dead(admitted, UNTOLD)
            case Verdict.RUN:
                return await self._run(admitted)
        return True

    async def _run(self, admitted: Admitted) -> bool:
        immediate, pause = 0, FIRST_PAUSE
        while True:
            result = await self._try(admitted, immediate)
            match result:
                case Failed(decision=RetryNow()):
                    immediate += 1
                case Failed(decision=Pause(reason=reason)):
                    await self._wait(admitted.delivery, pause, reason)
                    pause = longer(pause)
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

    async def _try(self, admitted: Admitted, immediate: int) -> Handled | Tombstoned | Failed:
        delivery = admitted.delivery
        try:
            if admitted.handler is None:
                raise _unheard(delivery)
            with self._metrics.running(delivery.envelope.type):
                return await self._attempt.run(delivery, admitted.handler)
        except BaseException as error:
            if ends_the_task(error):
                raise
            return self._failed(admitted, _telling(error), immediate)

    def _failed(self, admitted: Admitted, error: BaseException, immediate: int) -> Failed:
        delivery = admitted.delivery
        failure = Failure(error=error, attempt=delivery.attempt - delivery.round_start, immediate=immediate)
        policy = admitted.handler.policy if admitted.handler else UNREADABLE
        decision = decide(failure, policy, self._random)
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
        return accepted

    async def _retry(self, admitted: Admitted, report: Report, delay: timedelta) -> bool:
        if not await self._settle(admitted.delivery, State.RETRY):
            return False
        await self._publish_retry(admitted, report, delay)
        self._metrics.retried(admitted.delivery.envelope.type)
        return True

    async def _dead(self, admitted: Admitted, report: Report) -> bool:
        handled = await self._bury(admitted.delivery)
        if handled is not None:
            return await self._done(admitted, handled)
        if not await self._settle(admitted.delivery, State.DEAD):
            return False
        await self._publish_dead(admitted, report)
        self._metrics.died(admitted.delivery.envelope.type)
        return True

    async def _bury(self, delivery: Delivery) -> Sequence[StoredFollowOn] | None:
        """Leave a tombstone in the inbox; return the stored follow-ons if the event turns out to be handled."""
        if self._store is None:
            return None
        pause = FIRST_PAUSE
        while True:
            try:
                entry = await self._store.tombstone(delivery.envelope.source, delivery.event_id, delivery.attempt)
            except StoreUnavailableError as error:
                await self._wait(delivery, pause, error.what)
                pause = longer(pause)
            else:
                return None if entry is None else entry.follow_ons

    async def _publish_retry(self, admitted: Admitted, report: Report, delay: timedelta) -> None:
        await self._publish(admitted.delivery, [self._retry_record(admitted, report, delay)])

    def _can_retry(self, admitted: Admitted, report: Report, delay: timedelta) -> bool:
        return fits_private_topic(self._retry_record(admitted, report, delay))

    def _retry_record(self, admitted: Admitted, report: Report, delay: timedelta) -> Message:
        delivery = admitted.delivery
        headers = private_headers(
            delivery,
            report,
            attempt=delivery.attempt + 1,
            handler=_name(admitted.handler),
            version=self._version,
            delay=delay,
        )
        # A version without tiers may have to publish again what one with tiers announced.
        tier = delivery.attempt - delivery.round_start + 1
        topic = self._topics.retry(tier) if self._topics.tiers else self._topics.redelivery
        record = delivery.record
        return Message(topic=topic, key=record.key, value=record.value, headers=headers)

    async def _publish_dead(self, admitted: Admitted, report: Report) -> None:
        whole = self._dead_letter(admitted, report)
        await self._publish(
            admitted.delivery, [whole if fits_private_topic(whole) else self._stripped_dead_letter(admitted, report)]
        )

    def _dead_letter(self, admitted: Admitted, report: Report, *, with_foreign: bool = True) -> Message:
        delivery = admitted.delivery
        headers = private_headers(
            delivery,
            report,
            attempt=delivery.attempt,
            handler=_name(admitted.handler),
            version=self._version,
            with_foreign=with_foreign,
        )
        record = delivery.record
        return Message(topic=self._topics.dead_letters, key=record.key, value=record.value, headers=headers)

    def _stripped_dead_letter(self, admitted: Admitted, report: Report) -> Message:
        """Return the dead letter of a record that no private topic takes: everything but the record itself."""
        why = f"(too large for a dead letter: the record itself is only at {admitted.delivery.coordinates})"
        told = Report(error_class=report.error_class, message=f"{why} {report.message}", stack=report.stack)
        bare = self._dead_letter(admitted, told, with_foreign=False)
        return Message(topic=bare.topic, key=None, value=None, headers=bare.headers)

    async def _publish(self, delivery: Delivery, messages: Sequence[Message]) -> None:
        """Publish until acknowledged: once something is decided, an unreachable broker may only pause."""
        pause = FIRST_PAUSE
        while messages:
            try:
                await self._publisher.publish(messages)
            except BrokerUnavailableError as error:
                await self._wait(delivery, pause, error.what)
                pause = longer(pause)
            else:
                return

    async def _settle(self, delivery: Delivery, state: State) -> bool:
        claim = claim_of(delivery)
        return await self._session.settle(
            Settle(
                key=claim.key,
                attempt=claim.attempt,
                coordinates=claim.coordinates,
                digest=claim.digest,
                state=state,
            )
        )

    async def _wait(self, delivery: Delivery, pause: timedelta, reason: str) -> None:
        partition = Partition(topic=delivery.coordinates.topic, number=delivery.coordinates.partition)
        self._metrics.paused(partition.topic, partition.number, reason)
        self._source.pause(partition)
        self._on_wait(1)
        try:
            await self._clock.sleep(pause)
        finally:
            self._on_wait(-1)
            self._source.resume(partition)

    def _backoff(self, admitted: Admitted) -> timedelta:
        policy = admitted.handler.policy if admitted.handler else UNREADABLE
        attempt = admitted.delivery.attempt - admitted.delivery.round_start
        return policy.backoff.delay(attempt, self._random)


def _name(handler: Handler | None) -> str:
    return handler.name if handler else ""


def _telling(error: BaseException) -> BaseException:
    """Return the error, or, where it fails to say what it is, one that says so in its place."""
    try:
        str(error)
    except Exception:  # an author's `__str__` may raise anything
        return RuntimeError(f"{type(error).__name__}, whose text cannot be had").with_traceback(error.__traceback__)
    return error


def _unheard(delivery: Delivery) -> UndecodableError:
    if delivery.envelope.type:
        return UndecodableError(
            f"{delivery.service} does not hear {delivery.envelope.type}",
            why="the record lies on a private topic: another version of the service wrote it, or an operator",
            do="deploy the version that hears it, then send it again",
        )
    return UndecodableError(
        "the type of this event cannot be told",
        why="it has no ce_type header and its bytes name no known schema",
        do="read it in the dead-letter topic (docs/howto/look-at-a-dead-letter.md), and mend who wrote it",
    )

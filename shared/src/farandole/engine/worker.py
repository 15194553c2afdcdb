"""Worker: the loop of a service: fetch, claim, run in lanes, and begin again when the group or the ledger says so."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Generator, Hashable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from farandole.clock import Clock
from farandole.delivery import Delivery, Record
from farandole.engine.intake import Admitted, Intake
from farandole.engine.lanes import Lanes, Work
from farandole.engine.ports import Partition, Source
from farandole.engine.processor import Processor, claim_of
from farandole.engine.session import Answer, LedgerSession
from farandole.engine.telling import Telling
from farandole.engine.unless import finished
from farandole.metrics import Metrics

MOST_IN_FLIGHT: Final = 200
MOST_HELD: Final = 10_000
MOST_UNCOMMITTED: Final = 1_000_000
"""A minute of a busy partition. What is unfinished alone is remembered; a crash pays for it: all of it comes again."""
MOST_BYTES_IN_FLIGHT: Final = 8 * 1024 * 1024
"""Decoded, an event takes up to sixty times its bytes, and to decode a megabyte of small items some tenths of a second
in which nothing else goes on. Events of less than forty kilobytes do not come near it."""
MOST_BYTES_HELD: Final = 128 * 1024 * 1024
"""What is held is not decoded."""


class Worker:
    """Runs one service's deliveries. For one event loop; stop it with `drain`, or by cancelling `run`.

    At most ``most_in_flight`` deliveries, or ``most_bytes_in_flight`` and one delivery, are claimed and not finished;
    beyond that nothing is fetched. Held in memory, and not counted as in flight, are retry records that are not due
    yet, deliveries that wait at the head of their lane, and what stands behind those: at most ``most_held`` of them, or
    ``most_bytes_held``; beyond that, or where a held delivery keeps ``most_uncommitted`` offsets from being committed,
    the partitions that bring more of them are paused. The limits of what is held may be exceeded by what one fetch
    brings.
    """

    def __init__(
        self,
        *,
        source: Source,
        session: LedgerSession,
        intake: Intake,
        clock: Clock,
        metrics: Metrics,
        outcomes: Telling,
        most_in_flight: int = MOST_IN_FLIGHT,
        most_held: int = MOST_HELD,
        most_uncommitted: int = MOST_UNCOMMITTED,
        most_bytes_in_flight: int = MOST_BYTES_IN_FLIGHT,
        most_bytes_held: int = MOST_BYTES_HELD,
    ) -> None:
        self._source = source
        self._session = session
        self._intake = intake
        self._clock = clock
        self._metrics = metrics
        self._outcomes = outcomes
        self._most_in_flight = most_in_flight
        self._most_held = most_held
        self._most_uncommitted = most_uncommitted
        self._most_bytes_in_flight = most_bytes_in_flight
        self._most_bytes_held = most_bytes_held
        self._lanes = Lanes(self._lane_failed)
        self._failure: BaseException | None = None
        self._in_flight: Counter[int] = Counter()
        self._at_work = 0
        """How many deliveries have been claimed, are not finished, and do not hold their lane."""
        self._bytes: Counter[int] = Counter()
        self._early: dict[asyncio.Task[None], Record] = {}
        self._early_bytes = 0
        self._paused: set[Partition] = set()
        self._unadmitted: deque[Record] = deque()
        self._rejoining = False
        self._grace: timedelta | None = None
        self._draining = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever a delivery begins, ends, waits or goes on."""
        self._processor: Processor | None = None
        # Whoever waits for room has to hear it: what is in flight cannot end under a lost epoch, so none would come.
        session.on_lost(self.changed.set)

    def use(self, processor: Processor) -> None:
        """Take the processor; it in turn holds the lanes of this worker."""
        self._processor = processor

    @property
    def in_flight(self) -> int:
        """How many deliveries are claimed or about to be, not finished, and not held."""
        return self._in_flight.total() - self._lanes.held

    @property
    def busy(self) -> bool:
        """Whether anything is on its way that does not wait for the clock."""
        return self.in_flight > 0 or bool(self._unadmitted) or self._rejoining or self._session.lost

    @property
    def held(self) -> int:
        """How many deliveries are held in memory: not due yet, waiting, or behind one that waits in their lane."""
        return len(self._early) + self._lanes.held

    @contextmanager
    def hold(self, delivery: Delivery) -> Generator[None]:
        """Hold the lane of a delivery that waits for something; called from within its processing.

        Later deliveries of its key wait behind it, others go on; none of those that wait counts as in flight.
        """
        self._at_work -= 1
        try:
            with self._lanes.hold(_lane(delivery.record)):
                self._hold_back([delivery.record])
                self.changed.set()
                yield
        finally:
            self._at_work += 1
            self._relieve()
            self.changed.set()

    async def run(self) -> None:
        """Fetch and process until drained or cancelled; then commit and leave the group."""
        # The epoch first, then the group: the other way round, a member that lost its partitions without noticing
        # could claim in an epoch that began after it (PROTOCOL rule 1, found by the model).
        if not await self._joined():
            return
        await self._source.start(self._abandon)
        try:
            async with asyncio.TaskGroup() as tasks:
                conversation = tasks.create_task(self._session.run())
                await self._fetch_until_drained()
                await self._finish_in_flight()
                conversation.cancel()
        finally:
            self._abandon_all()
            await self._source.close()

    def drain(self, grace: timedelta) -> None:
        """Fetch nothing more; `run` returns when what is in flight is finished, or after ``grace``."""
        self._grace = grace
        self._draining.set()
        self.changed.set()

    async def _fetch_until_drained(self) -> None:
        while self._grace is None:
            if self._failure is not None:
                raise RuntimeError("a lane failed: its deliveries would never be finished") from self._failure
            if self._session.lost:
                await self._rejoin()
            await self._room()
            records = await self._source.fetch()
            if self._lanes.held:
                self._bound_uncommitted(records)
            if self._grace is None:
                await self._admit_as_there_is_room(records)
            await asyncio.sleep(0)

    async def _admit_as_there_is_room(self, records: Sequence[Record]) -> None:
        """Admit a batch in parts: a batch may be larger than what may be in flight at once."""
        self._unadmitted = deque(records)
        while self._unadmitted:
            await self._room()
            if self._session.lost or self._failure is not None or self._grace is not None:
                return  # what is left is fetched again: its offsets are not finished
            self._admit(self._as_many_as_fit())

    def _as_many_as_fit(self) -> Sequence[Record]:
        """Take from what is not admitted as much as there is room for, one record at least."""
        taken: list[Record] = []
        number, weight = self._most_in_flight - self.in_flight, self._most_bytes_in_flight - self._weight
        while self._unadmitted and (not taken or (len(taken) < number and weight > 0)):
            taken.append(self._unadmitted.popleft())
            weight -= taken[-1].weight
        return taken

    async def _finish_in_flight(self) -> None:
        assert self._grace is not None
        try:
            async with asyncio.timeout(self._grace.total_seconds()):
                while self.in_flight > 0 and not (self._session.lost or self._waits_for_the_ledger):
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            self._metrics.undrained(self.in_flight)

    @property
    def _waits_for_the_ledger(self) -> bool:
        """Whether nothing that is in flight has begun, or can before the ledger is back."""
        return self._session.unavailable is not None and self._at_work == 0

    async def _room(self) -> None:
        while self._full and not (self._session.lost or self._failure or self._grace is not None):
            self.changed.clear()
            await self.changed.wait()

    @property
    def _full(self) -> bool:
        return self.in_flight >= self._most_in_flight or self._weight >= self._most_bytes_in_flight

    @property
    def _weight(self) -> int:
        """How many bytes are in flight."""
        return self._bytes.total() - self._lanes.held_bytes

    def _admit(self, records: Sequence[Record]) -> None:
        ready = []
        for record in records:
            admitted = self._intake.admit(record)
            if admitted is None:
                self._source.finish(record)
            elif admitted.delivery.due is not None and admitted.delivery.due > self._clock.now():
                self._hold(admitted)
            else:
                ready.append(admitted)
        if ready:
            self._begin(ready)

    def _begin(self, ready: Sequence[Admitted]) -> None:
        for admitted in ready:
            self._in_flight[admitted.delivery.record.assignment] += 1
            self._bytes[admitted.delivery.record.assignment] += admitted.delivery.record.weight
        self.changed.set()
        told = [admitted for admitted in ready if not admitted.is_untold]
        answers = iter(self._session.ask([claim_of(admitted.delivery) for admitted in told]))
        put = ((one, self._put(one, None if one.is_untold else next(answers))) for one in ready)
        held = [admitted.delivery.record for admitted, waits in put if waits]
        if self._lanes.held:
            self._hold_back(held)

    def _put(self, admitted: Admitted, claimed: asyncio.Future[Answer] | None) -> bool:
        """Put a delivery into its lane: what was ``claimed`` goes on with the answer; else it is not claimed yet."""
        record = admitted.delivery.record

        async def run() -> None:
            try:
                answer = None if claimed is None else await claimed
                self._at_work += 1
                try:
                    await self._process(admitted, answer)
                finally:
                    self._at_work -= 1
            finally:
                self._end(record)

        return self._lanes.put(_lane(record), Work(assignment=record.assignment, run=run, size=record.weight))

    async def _process(self, admitted: Admitted, answer: Answer | None) -> None:
        assert self._processor is not None
        if answer is None:
            await self._processor.process_untold(admitted)
            return
        verdict, conflicting = answer
        if conflicting:
            self._metrics.conflicting(admitted.delivery)
            self._outcomes.note("conflicting", admitted.delivery)
        await self._processor.process(admitted, verdict)

    def _end(self, record: Record) -> None:
        assignment = record.assignment
        if self._in_flight[assignment] > 0:
            self._in_flight[assignment] -= 1
            self._bytes[assignment] -= record.weight
        if not self._in_flight[assignment]:
            self._forget(assignment)
        self._relieve()
        self.changed.set()

    def _forget(self, assignment: int) -> None:
        self._in_flight.pop(assignment, None)
        self._bytes.pop(assignment, None)

    def _lane_failed(self, error: BaseException) -> None:
        self._failure = error
        self.changed.set()

    def _hold(self, admitted: Admitted) -> None:
        task = asyncio.create_task(self._release_when_due(admitted))
        self._early[task] = admitted.delivery.record
        self._early_bytes += admitted.delivery.record.weight
        task.add_done_callback(self._released)
        self._hold_back([admitted.delivery.record])

    async def _release_when_due(self, admitted: Admitted) -> None:
        due, handler = admitted.delivery.due, admitted.handler
        assert due is not None
        assert handler is not None
        # The moment is the broker's: however wrong its clock is, nobody waits longer than his policy says.
        await self._clock.sleep(min(due - self._clock.now(), handler.policy.backoff.longest))
        self._begin([admitted])

    def _released(self, task: asyncio.Task[None]) -> None:
        self._early_bytes -= self._early.pop(task).weight
        self._relieve()
        self.changed.set()

    def _hold_back(self, held: Sequence[Record]) -> None:
        """Pause the partitions of what is held, where it has become too much."""
        if self._holds_at_least(1):
            self._pause({_partition(record) for record in held})

    def _bound_uncommitted(self, fetched: Sequence[Record]) -> None:
        """Pause the partitions that bring on and on what cannot be committed, for what is held before it."""
        fetched_from = {(one.coordinates.topic, one.coordinates.partition) for one in fetched}  # each record pays this
        partitions = {Partition(topic=topic, number=number) for topic, number in fetched_from}
        self._pause({one for one in partitions if self._source.uncommitted(one) >= self._most_uncommitted})

    def _pause(self, partitions: AbstractSet[Partition]) -> None:
        for partition in partitions - self._paused:
            self._paused.add(partition)
            self._source.pause(partition)

    def _relieve(self) -> None:
        """Fetch again what was held back, as soon as half of what was too much is gone."""
        if not self._paused or self._holds_at_least(0.5):
            return
        for partition in list(self._paused):
            if self._source.uncommitted(partition) < self._most_uncommitted / 2:
                self._paused.discard(partition)
                self._source.resume(partition)

    def _holds_at_least(self, share: float) -> bool:
        weight = self._early_bytes + self._lanes.held_bytes
        return self.held >= share * self._most_held or weight >= share * self._most_bytes_held

    def _abandon(self, assignment: int) -> None:
        self._forget(assignment)
        self._lanes.abandon(assignment)
        self._unadmitted = deque(one for one in self._unadmitted if one.assignment != assignment)
        for task, held in self._early.items():
            if held.assignment == assignment:
                task.cancel()
        self._relieve()
        self.changed.set()

    def _abandon_all(self) -> None:
        for assignment in {*self._in_flight, *(held.assignment for held in self._early.values())}:
            self._abandon(assignment)

    async def _rejoin(self) -> None:
        self._rejoining = True
        self._metrics.rejoined()
        self._abandon_all()
        if await self._joined():
            await self._source.rejoin()
        self._rejoining = False

    async def _joined(self) -> bool:
        """Join the ledger, however long it is away; return False where the worker is to stop before."""
        return await finished(self._session.join(), unless=self._draining)


def _lane(record: Record) -> Hashable:
    return record.key if record.key is not None else record.coordinates


def _partition(record: Record) -> Partition:
    return Partition(topic=record.coordinates.topic, number=record.coordinates.partition)

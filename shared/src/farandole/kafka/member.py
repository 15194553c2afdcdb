"""Member: the thread that owns a Kafka consumer, which makes every call to it.

Polling, rebalancing, pausing, committing: as one thread does all of it, a commit cannot race a rebalance. When
partitions are revoked, their finished offsets are committed within the callback, and their trackers are gone before the
next poll.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from farandole.delivery import Record
from farandole.engine.pause import FIRST_PAUSE, longer
from farandole.engine.ports import Partition
from farandole.errors import MembershipError
from farandole.kafka import departure
from farandole.kafka.assignments import Assignments
from farandole.kafka.batch import Batch
from farandole.kafka.commits import Commits
from farandole.kafka.departure import Departure, Reason
from farandole.kafka.handover import HandOver
from farandole.kafka.holding import Holding, Told, partitions_of
from farandole.kafka.pauses import Pauses
from farandole.kafka.reading import origin_of, record_of
from farandole.kafka.stillness import Stillness

log = structlog.get_logger(__name__)

BATCH: Final = 500
POLL: Final = timedelta(milliseconds=100)
CHOKE_AFTER: Final = timedelta(seconds=1)
HEARD_WITHIN: Final = timedelta(seconds=10)
MEASURE_EVERY: Final = timedelta(seconds=1)
COMPLAIN_EVERY: Final = timedelta(seconds=10)
_STATIC: Final = "group.instance.id"
_LEAVE_WITHIN: Final = timedelta(seconds=2)


class Member:
    """A member of a consumer group, in a thread of its own. `rejoin` and `stop` may be called from anywhere.

    Whatever ends a membership, the next one begins by itself, after a pause that grows up to five seconds; unless
    beginning again cannot help: then ``refused`` says why, and the thread ends.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        *,
        topics: Sequence[str],
        assignments: Assignments,
        pauses: Pauses,
        handover: HandOver,
        told: Told,
    ) -> None:
        self._group = str(properties["group.id"])
        self._session = timedelta(milliseconds=int(properties.get("session.timeout.ms", 0)))
        self._topics = list(topics)
        self._assignments = assignments
        self._commits = Commits(assignments, group=self._group)
        self._properties = {**properties, "error_cb": self._client_error, "on_commit": self._commits.answered}
        self._pauses = pauses
        self._holding = Holding(assignments, pauses, self._commits, told)
        self._handover = handover
        self._told = told
        self._pending: list[Record] = []
        self._unplaced: dict[Partition, int | None] = {}
        self._complain_again = 0.0
        self._measure_again = 0.0
        self._stillness = Stillness(within=self._session + HEARD_WITHIN)
        self._pause = FIRST_PAUSE
        self._stop = threading.Event()
        self._rejoin = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"consumer {self._group}", daemon=True)
        self.error: str | None = None
        """What the client last complained of, or None since the last record."""
        self.lag = 0
        """How many records the partitions held have beyond what is finished, as of a second ago: the brokers say with
        each fetch where a log ends."""
        self.refused: MembershipError | None = None
        """Why there is no use in joining again."""

    def start(self) -> None:
        """Join the group; the client keeps trying while the brokers are away."""
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def rejoin(self) -> None:
        """Abandon every assignment without committing more, and begin again from the committed offsets."""
        self._rejoin.set()

    @property
    def rejoins(self) -> bool:
        """Whether that is still to come."""
        return self._rejoin.is_set()

    def stop(self) -> None:
        """Commit what is finished, leave the group, and end the thread."""
        self._stop.set()

    def join(self, within: timedelta) -> None:
        """Wait for the thread's end. Blocks, for so long at most."""
        self._thread.join(within.total_seconds())

    # What follows runs in the thread.

    def _run(self) -> None:
        while not self._stop.is_set() and self.refused is None:
            try:
                self._run_one_consumer()
            except Exception as error:
                self._departed(
                    departure.of_exception(self._group, error, instance=str(self._properties.get(_STATIC, "")))
                )
                self._stop.wait(self._pause.total_seconds())
                self._pause = longer(self._pause)

    def _run_one_consumer(self) -> None:
        consumer = Consumer(self._properties)
        try:
            consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._was_lost)
            self._pauses.everything = False
            self._pending, self._unplaced = [], {}
            self._rejoin.clear()
            while not (self._stop.is_set() or self._rejoin.is_set()):
                self._step(consumer)
            if not self._rejoin.is_set():
                self._leave(consumer)
        finally:
            self._holding.abandon_all()
            consumer.close()

    def _leave(self, consumer: Consumer) -> None:
        """Commit what is finished, and leave: by `unsubscribe`, as a static member that is closed does not leave."""
        self._commits.now(consumer)
        consumer.unsubscribe()
        deadline = time.monotonic() + _LEAVE_WITHIN.total_seconds()
        while self._holding.partitions and time.monotonic() < deadline:
            consumer.poll(POLL.total_seconds())
        consumer.poll(POLL.total_seconds())

    def _step(self, consumer: Consumer) -> None:
        self._stillness.step()
        self._holding.obey(consumer)
        if self._handover.is_empty():
            self._holding.choke(consumer, on=False)
            self._hand_over(self._poll(consumer))
        elif not self._handover.is_empty(within=POLL) and self._handover.waited() > CHOKE_AFTER:
            # The loop is full. Stay a member: poll, with everything paused.
            self._holding.choke(consumer, on=True)
            self._pending += self._poll(consumer)
        self._commits.soon(consumer)
        self._measure(consumer)

    def _measure(self, consumer: Consumer) -> None:
        now = time.monotonic()
        if now < self._measure_again:
            return
        self._measure_again = now + MEASURE_EVERY.total_seconds()
        lag = 0
        for one in self._assignments:
            position = one.tracker.position
            where = TopicPartition(one.partition.topic, one.partition.number)
            bounds = None if position is None else consumer.get_watermark_offsets(where, cached=True)
            if position is not None and bounds is not None:
                lag += max(0, bounds[1] - position)
        self.lag = lag

    def _poll(self, consumer: Consumer) -> list[Record]:
        batch = Batch(most=BATCH)
        batch.fill(consumer, within=timedelta(0) if self._pending else POLL, record=self._record)
        if self._unplaced:
            self._unplaced = self._placed(consumer)
        return batch.records

    def _placed(self, consumer: Consumer) -> dict[Partition, int | None]:
        try:
            return self._holding.place(consumer, self._unplaced)
        except KafkaException as error:
            self._client_error(error.args[0])
            return self._unplaced  # asked again in the next step

    def _hand_over(self, records: list[Record]) -> None:
        records, self._pending = self._pending + records, []
        if records:
            self._handover.give(records)

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._complain(error, message)
            return None
        self.error = None
        assignment = self._assignments.current(origin_of(message))
        if assignment is None:
            return None
        record = record_of(message, assignment=assignment.number)
        assignment.tracker.begin(record.coordinates.offset)
        return record

    def _complain(self, error: KafkaError, message: Message) -> None:
        match error.code():
            case KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - the client's own codes are named so
                self._unplaced[origin_of(message)] = message.offset()
            case KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001
                self._holding.abandon_all()
                self._departed(departure.of_error(self._group, error, instance=""))
            case KafkaError._FATAL:  # noqa: SLF001
                raise KafkaException(error)
            case code if code in departure.AUTHORISATION:
                raise KafkaException(error)
            case _:
                self._client_error(error)

    def _client_error(self, error: KafkaError) -> None:
        self.error = error.str()
        now = time.monotonic()
        if now > self._complain_again:
            self._complain_again = now + COMPLAIN_EVERY.total_seconds()
            log.warning("the consumer complains", group=self._group, error=self.error)

    def _departed(self, left: Departure) -> None:
        if left.error.is_final:
            self.refused = left.error
        if left.reason is Reason.FENCED:
            self._properties.pop(_STATIC, None)
        self._told.departed(left)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget_places(partitions)
        self._holding.take(consumer, partitions_of(partitions))
        self._pause = FIRST_PAUSE

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget_places(partitions)
        self._holding.give_back(consumer, partitions_of(partitions))

    def _was_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget_places(partitions)
        if self._holding.lose(consumer, partitions_of(partitions)):
            self._departed(departure.of_loss(self._group, silence=self._stillness.longest(), session=self._session))

    def _forget_places(self, partitions: list[TopicPartition]) -> None:
        """Ask no more where an assignment should begin that is another by now.

        The next may have begun already: set back, it would fetch what lies before what it has, and commit over it.
        """
        for partition in partitions_of(partitions):
            self._unplaced.pop(partition, None)

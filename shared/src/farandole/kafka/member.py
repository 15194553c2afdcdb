"""Member: the thread that owns a Kafka consumer, which makes every call to it.

Polling, rebalancing, pausing, committing: as one thread does all of it, a commit cannot race a rebalance. When
partitions are revoked, their finished offsets are committed within the callback, and their trackers are gone before the
next poll.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.commits import Commits
from farandole.kafka.handover import HandOver
from farandole.kafka.pauses import Pauses
from farandole.kafka.reading import origin_of, partition_of, record_of

log = structlog.get_logger(__name__)

BATCH: Final = 500
POLL: Final = timedelta(milliseconds=100)
CHOKE_AFTER: Final = timedelta(seconds=1)


class Member:
    """A member of a consumer group, in a thread of its own. `rejoin` and `stop` may be called from anywhere.

    ``on_ended`` is called in the thread with the number of each assignment that ends.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        *,
        topics: Sequence[str],
        assignments: Assignments,
        pauses: Pauses,
        handover: HandOver,
        on_ended: Callable[[int], None],
    ) -> None:
        self._group = str(properties["group.id"])
        self._topics = list(topics)
        self._assignments = assignments
        self._commits = Commits(assignments, group=self._group)
        self._properties = {**properties, "error_cb": self._client_error, "on_commit": self._commits.answered}
        self._pauses = pauses
        self._handover = handover
        self._on_ended = on_ended
        self._pending: list[Record] = []
        self._stop = threading.Event()
        self._rejoin = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"consumer {self._group}", daemon=True)
        self.error: str | None = None
        """What the client last complained of, or None since the last record."""

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

    # What follows runs in the thread.

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._run_one_consumer()
        except Exception as error:
            self.error = str(error)
            log.exception("the consumer ended", group=self._group)

    def _run_one_consumer(self) -> None:
        consumer = Consumer(self._properties)
        consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._was_lost)
        self._pauses.everything = False
        self._rejoin.clear()
        while not (self._stop.is_set() or self._rejoin.is_set()):
            self._step(consumer)
        if self._rejoin.is_set():
            self._abandon(self._held())
        else:
            self._commits.now(consumer)
        consumer.close()

    def _step(self, consumer: Consumer) -> None:
        self._obey(consumer)
        if self._handover.is_empty():
            self._choke(consumer, on=False)
            self._hand_over(self._poll(consumer))
        elif not self._handover.is_empty(within=POLL) and self._handover.waited() > CHOKE_AFTER:
            # The loop is full. Stay a member: poll, with everything paused.
            self._choke(consumer, on=True)
            self._pending += self._poll(consumer)
        self._commits.soon(consumer)

    def _obey(self, consumer: Consumer) -> None:
        for partition in self._pauses.take_changed():
            if self._assignments.current(partition) is not None:
                self._switch(consumer, partition)

    def _switch(self, consumer: Consumer, partition: Partition) -> None:
        one = [TopicPartition(partition.topic, partition.number)]
        try:
            consumer.pause(one) if self._pauses.holds(partition) else consumer.resume(one)
        except KafkaException as error:
            log.warning("a partition could not be paused or resumed", partition=str(partition), error=str(error))

    def _choke(self, consumer: Consumer, *, on: bool) -> None:
        if on == self._pauses.everything:
            return
        self._pauses.everything = on
        for partition in self._held():
            self._switch(consumer, partition)

    def _poll(self, consumer: Consumer) -> list[Record]:
        first = consumer.poll(0 if self._pending else POLL.total_seconds())
        if first is None:
            return []
        messages = [first, *consumer.consume(BATCH - 1, 0)]
        return [record for message in messages if (record := self._record(message)) is not None]

    def _hand_over(self, records: list[Record]) -> None:
        records, self._pending = self._pending + records, []
        if records:
            self._handover.give(records)

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._complain(error)
            return None
        self.error = None
        assignment = self._assignments.current(origin_of(message))
        if assignment is None:
            return None
        record = record_of(message, assignment=assignment.number)
        assignment.tracker.begin(record.coordinates.offset)
        return record

    def _complain(self, error: KafkaError) -> None:
        self.error = error.str()
        if error.code() == KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001
            self._abandon(self._held())
        if error.fatal():
            raise KafkaException(error)
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            log.warning("the consumer complains", group=self._group, error=error.str())

    def _client_error(self, error: KafkaError) -> None:
        self.error = error.str()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        gained = [partition_of(one) for one in partitions]
        self._assignments.add(gained)
        for partition in gained:
            # The client keeps a pause across a loss: one whose reason ended meanwhile has to be taken back here.
            self._switch(consumer, partition)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        ended = self._assignments.remove(partition_of(one) for one in partitions)
        self._commits.last(consumer, ended)
        self._tell(one.number for one in ended)
        consumer.incremental_unassign(partitions)

    def _was_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        lost = [partition_of(one) for one in partitions]
        log.warning("partitions were lost", group=self._group, partitions=[str(one) for one in lost])
        self._abandon(lost)
        consumer.incremental_unassign(partitions)

    def _abandon(self, partitions: Sequence[Partition]) -> None:
        """End assignments without a commit: whoever holds them now decides."""
        self._tell(one.number for one in self._assignments.remove(partitions))

    def _tell(self, ended: Iterable[int]) -> None:
        for number in ended:
            self._on_ended(number)

    def _held(self) -> list[Partition]:
        return [assignment.partition for assignment in self._assignments]

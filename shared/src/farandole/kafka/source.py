"""KafkaSource: the engine's source on a Kafka consumer, which one thread owns.

Every call to the consumer is made by that thread: polling, rebalancing, pausing, committing. So a commit cannot race
a rebalance: when partitions are revoked, their finished offsets are committed within the callback, and their trackers
are gone before the next poll.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Partition
from farandole.headers import Headers
from farandole.kafka.assignments import Assignments
from farandole.kafka.connection import Connection

log = structlog.get_logger(__name__)

_READ_HEADERS: Final = methodcaller("headers")
"""Not ``message.headers()``: at a name that is not UTF-8 the client leaves an error and returns a tuple with a hole.
Called from C, that is a SystemError; Python's own fast call of a C function does not look, and the process crashes."""
BATCH: Final = 500
POLL: Final = 0.1
COMMIT_EVERY: Final = timedelta(milliseconds=200)
CHOKE_AFTER: Final = timedelta(seconds=1)
CLOSE_WITHIN: Final = timedelta(seconds=10)


class KafkaSource:
    """A member of the consumer group ``group`` on ``topics``. Its methods belong to one event loop."""

    def __init__(
        self, connection: Connection, *, group: str, topics: Sequence[str], start_at: str = "earliest"
    ) -> None:
        self._properties = connection.properties() | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": start_at,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 1_000,
            "max.poll.interval.ms": 120_000,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 100,
            "topic.metadata.refresh.interval.ms": 10_000,
            "queued.max.messages.kbytes": 16_384,
            "error_cb": self._client_error,
            "on_commit": self._was_committed,
        }
        self._group = group
        self._topics = list(topics)
        self._assignments = Assignments()
        self._pauses: Counter[Partition] = Counter()
        self._commands: list[Callable[[Consumer], None]] = []
        self._commands_lock = threading.Lock()
        self._fetched: asyncio.Queue[list[Record]] = asyncio.Queue()
        self._taken = threading.Event()
        self._taken.set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_abandoned: Callable[[int], None] = lambda _: None
        self._last_commit = 0.0
        self._rejoin = threading.Event()
        self._pending: list[Record] = []
        self._handed_over = 0.0
        self._choked = False
        self.error: str | None = None
        """What the client last complained of, or None since the last record."""

    async def start(self, on_abandoned: Callable[[int], None]) -> None:
        """Join the group; librdkafka keeps trying while the brokers are away."""
        self._loop = asyncio.get_running_loop()
        self._on_abandoned = on_abandoned
        self._thread = threading.Thread(target=self._run, name=f"consumer {self._group}", daemon=True)
        self._thread.start()

    async def fetch(self) -> Sequence[Record]:
        """Return the next records; empty when none came for half a second. Raises KafkaException on a fatal error."""
        if self._thread is None or not self._thread.is_alive():
            raise KafkaException(KafkaError(KafkaError._FATAL, self.error or "the consumer ended"))  # noqa: SLF001
        try:
            async with asyncio.timeout(0.5):
                records = await self._fetched.get()
        except TimeoutError:
            return ()
        self._taken.set()
        return [record for record in records if self._is_current(record)]

    def finish(self, record: Record) -> None:
        """Note that a record is settled; committed within some hundred milliseconds."""
        self._assignments.finish(record.assignment, record.coordinates.offset)

    def pause(self, partition: Partition) -> None:
        """Pause a partition; pauses are counted, and re-applied when the partition is assigned again."""
        self._pauses[partition] += 1
        if self._pauses[partition] == 1:
            self._command(lambda consumer: self._switch(consumer, partition, paused=True))

    def resume(self, partition: Partition) -> None:
        """Take one pause back; the partition is fetched again when none is left."""
        self._pauses[partition] -= 1
        if self._pauses[partition] <= 0:
            del self._pauses[partition]
            self._command(lambda consumer: self._switch(consumer, partition, paused=False))

    def uncommitted(self, partition: Partition) -> int:
        """Return how many offsets a crash now would bring back; 0 for a partition that is not assigned."""
        assignment = self._assignments.current(partition)
        return 0 if assignment is None else assignment.tracker.uncommitted

    async def rejoin(self) -> None:
        """Abandon every assignment without committing more, and start again from the committed offsets."""
        self._rejoin.set()
        # What was handed over already is not dropped here: some of it may be of the new assignments, when the loop is
        # busy for long enough; `fetch` tells the old from the new.
        while self._rejoin.is_set() and self._thread is not None and self._thread.is_alive():  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Commit what is finished and leave the group; waits at most ten seconds."""
        self._stop.set()
        self._taken.set()
        thread = self._thread
        if thread is not None:
            deadline = time.monotonic() + CLOSE_WITHIN.total_seconds()
            while thread.is_alive() and time.monotonic() < deadline:
                self._drop_fetched()
                await asyncio.sleep(0.01)

    # What follows runs in the consumer's thread.

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._run_one_consumer()
        except Exception as error:
            self.error = str(error)
            log.exception("the consumer ended", group=self._group)

    def _run_one_consumer(self) -> None:
        consumer = Consumer(self._properties)
        self._subscribe(consumer)
        self._choked = False
        self._rejoin.clear()
        while not (self._stop.is_set() or self._rejoin.is_set()):
            self._step(consumer)
        if self._rejoin.is_set():
            self._end(self._assignments_now(), consumer=None)
        else:
            self._commit(consumer, synchronously=True)
        consumer.close()

    def _step(self, consumer: Consumer) -> None:
        self._obey(consumer)
        if self._taken.is_set():
            self._choke(consumer, on=False)
            self._hand_over(self._poll(consumer))
        elif not self._taken.wait(POLL) and time.monotonic() - self._handed_over > CHOKE_AFTER.total_seconds():
            # The loop is full. Stay a member: poll, with everything paused.
            self._choke(consumer, on=True)
            self._pending += self._poll(consumer)
        self._commit(consumer)

    def _choke(self, consumer: Consumer, *, on: bool) -> None:
        if on == self._choked:
            return
        self._choked = on
        open_ones = [p for p in self._assignments_now() if not self._pauses[p]]
        partitions = [TopicPartition(one.topic, one.number) for one in open_ones]
        consumer.pause(partitions) if on else consumer.resume(partitions)

    def _poll(self, consumer: Consumer) -> list[Record]:
        first = consumer.poll(0 if self._pending else POLL)
        if first is None:
            return []
        messages = [first, *consumer.consume(BATCH - 1, 0)]
        return [record for message in messages if (record := self._record(message)) is not None]

    def _hand_over(self, records: list[Record]) -> None:
        records, self._pending = self._pending + records, []
        if records and self._loop is not None:
            self._taken.clear()
            self._handed_over = time.monotonic()
            self._loop.call_soon_threadsafe(self._fetched.put_nowait, records)

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._complain(error)
            return None
        self.error = None
        partition = Partition(topic=str(message.topic()), number=int(message.partition() or 0))
        assignment = self._assignments.current(partition)
        if assignment is None:
            return None
        offset = int(message.offset() or 0)
        assignment.tracker.begin(offset)
        _, millis = message.timestamp()
        return Record(
            coordinates=Coordinates(topic=partition.topic, partition=partition.number, offset=offset),
            key=_bytes(message.key()),
            value=_bytes(message.value()),
            headers=_headers(message),
            appended=_moment(millis),
            assignment=assignment.number,
        )

    def _complain(self, error: KafkaError) -> None:
        self.error = error.str()
        if error.code() == KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001
            self._end([assignment.partition for assignment in self._assignments], consumer=None)
        if error.fatal():
            raise KafkaException(error)
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            log.warning("the consumer complains", group=self._group, error=error.str())

    def _client_error(self, error: KafkaError) -> None:
        self.error = error.str()

    def _subscribe(self, consumer: Consumer) -> None:
        consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._was_lost)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        gained = [_partition(one) for one in partitions]
        self._assignments.add(gained)
        for partition in gained:
            one = [TopicPartition(partition.topic, partition.number)]
            # The client keeps a pause across a loss: one whose reason ended meanwhile has to be taken back here.
            consumer.pause(one) if self._pauses[partition] > 0 or self._choked else consumer.resume(one)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._end([_partition(one) for one in partitions], consumer=consumer)
        consumer.incremental_unassign(partitions)

    def _was_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions were lost", group=self._group, partitions=[str(_partition(p)) for p in partitions])
        self._end([_partition(one) for one in partitions], consumer=None)
        consumer.incremental_unassign(partitions)

    def _end(self, partitions: Sequence[Partition], *, consumer: Consumer | None) -> None:
        """End assignments; with a ``consumer`` commit what they finished first, which only a revocation allows."""
        ended = self._assignments.remove(partitions)
        if consumer is not None:
            finished = [
                TopicPartition(one.partition.topic, one.partition.number, position)
                for one in ended
                if (position := one.tracker.to_commit()) is not None
            ]
            self._commit_now(consumer, finished)
        if self._loop is not None:
            for one in ended:
                self._loop.call_soon_threadsafe(self._on_abandoned, one.number)

    def _commit(self, consumer: Consumer, *, synchronously: bool = False) -> None:
        now = time.monotonic()
        if not synchronously and now - self._last_commit < COMMIT_EVERY.total_seconds():
            return
        self._last_commit = now
        due = [(one, position) for one in self._assignments if (position := one.tracker.to_commit()) is not None]
        offsets = [TopicPartition(one.partition.topic, one.partition.number, position) for one, position in due]
        for one, position in due:
            one.tracker.committed(position)
        if synchronously:
            self._commit_now(consumer, offsets)
        elif offsets:
            self._commit_soon(consumer, offsets)

    def _was_committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """Note commits that failed, so that they are tried again."""
        for one in partitions:
            failed = error or one.error
            assignment = self._assignments.current(_partition(one))
            if failed is not None and assignment is not None:
                assignment.tracker.committed(None)

    def _commit_soon(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        try:
            consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._was_committed(error.args[0], offsets)
            log.warning("offsets could not be committed", group=self._group, error=str(error))

    def _commit_now(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        if not offsets:
            return
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # What was not committed comes again, and the ledger drops it.
            log.warning("offsets could not be committed", group=self._group, error=str(error))

    def _switch(self, consumer: Consumer, partition: Partition, *, paused: bool) -> None:
        if self._assignments.current(partition) is None or (self._choked and not paused):
            return
        one = [TopicPartition(partition.topic, partition.number)]
        try:
            consumer.pause(one) if paused else consumer.resume(one)
        except KafkaException as error:
            log.warning("a partition could not be paused or resumed", partition=str(partition), error=str(error))

    def _obey(self, consumer: Consumer) -> None:
        with self._commands_lock:
            commands, self._commands = self._commands, []
        for command in commands:
            command(consumer)

    def _command(self, command: Callable[[Consumer], None]) -> None:
        with self._commands_lock:
            self._commands.append(command)

    def _assignments_now(self) -> list[Partition]:
        return [assignment.partition for assignment in self._assignments]

    def _is_current(self, record: Record) -> bool:
        partition = Partition(topic=record.coordinates.topic, number=record.coordinates.partition)
        assignment = self._assignments.current(partition)
        return assignment is not None and assignment.number == record.assignment

    def _drop_fetched(self) -> None:
        while not self._fetched.empty():
            self._fetched.get_nowait()
        self._taken.set()


def _partition(one: TopicPartition) -> Partition:
    return Partition(topic=one.topic, number=one.partition)


def _headers(message: Message) -> Headers:
    """Return a record's headers; none where a name is not UTF-8, which other clients may write and ours cannot read."""
    try:
        headers: Any = _READ_HEADERS(message)
    except (UnicodeDecodeError, SystemError):
        log.warning("the headers of a record cannot be read", topic=message.topic(), offset=message.offset())
        return ()
    return tuple((name, _bytes(value) or b"") for name, value in headers or ())


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _moment(millis: int) -> datetime:
    """Return the broker's time; what no calendar holds is taken as the epoch's beginning."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)

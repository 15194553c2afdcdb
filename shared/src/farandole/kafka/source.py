"""KafkaSource: the engine's source on a Kafka consumer: the half that lives in the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.connection import Connection
from farandole.kafka.handover import HandOver
from farandole.kafka.member import Member
from farandole.kafka.pauses import Pauses

NOTHING_CAME: Final = timedelta(milliseconds=500)
CLOSE_WITHIN: Final = timedelta(seconds=10)
_LOOK_AGAIN: Final = 0.01


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
        }
        self._topics = topics
        self._assignments = Assignments()
        self._pauses = Pauses()
        self._handover: HandOver | None = None
        self._member: Member | None = None

    @property
    def error(self) -> str | None:
        """What the client last complained of, or None since the last record."""
        return self._member.error if self._member is not None else None

    async def start(self, on_abandoned: Callable[[int], None]) -> None:
        """Join the group; librdkafka keeps trying while the brokers are away."""
        loop = asyncio.get_running_loop()

        def ended(number: int) -> None:
            loop.call_soon_threadsafe(on_abandoned, number)

        self._handover = HandOver(loop)
        self._member = Member(
            self._properties,
            topics=self._topics,
            assignments=self._assignments,
            pauses=self._pauses,
            handover=self._handover,
            on_ended=ended,
        )
        self._member.start()

    async def fetch(self) -> Sequence[Record]:
        """Return the next records; empty when none came for half a second. Raises KafkaException on a fatal error."""
        if self._member is None or self._handover is None or not self._member.lives:
            raise KafkaException(KafkaError(KafkaError._FATAL, self.error or "the consumer ended"))  # noqa: SLF001
        return [record for record in await self._handover.take(NOTHING_CAME) if self._is_current(record)]

    def finish(self, record: Record) -> None:
        """Note that a record is settled; committed within some hundred milliseconds."""
        self._assignments.finish(record.assignment, record.coordinates.offset)

    def pause(self, partition: Partition) -> None:
        """Pause a partition; pauses are counted, and re-applied when the partition is assigned again."""
        self._pauses.add(partition)

    def resume(self, partition: Partition) -> None:
        """Take one pause back; the partition is fetched again when none is left."""
        self._pauses.remove(partition)

    def uncommitted(self, partition: Partition) -> int:
        """Return how many offsets a crash now would bring back; 0 for a partition that is not assigned."""
        assignment = self._assignments.current(partition)
        return 0 if assignment is None else assignment.tracker.uncommitted

    async def rejoin(self) -> None:
        """Abandon every assignment without committing more, and start again from the committed offsets."""
        if self._member is None:
            return
        self._member.rejoin()
        # What was handed over already is not dropped here: some of it may be of the new assignments, when the loop is
        # busy for long enough; `fetch` tells the old from the new.
        while self._member.rejoins and self._member.lives:  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(_LOOK_AGAIN)

    async def close(self) -> None:
        """Commit what is finished and leave the group; waits at most ten seconds."""
        if self._member is None or self._handover is None:
            return
        self._member.stop()
        deadline = time.monotonic() + CLOSE_WITHIN.total_seconds()
        while self._member.lives and time.monotonic() < deadline:
            self._handover.drop()
            await asyncio.sleep(_LOOK_AGAIN)

    def _is_current(self, record: Record) -> bool:
        partition = Partition(topic=record.coordinates.topic, number=record.coordinates.partition)
        assignment = self._assignments.current(partition)
        return assignment is not None and assignment.number == record.assignment

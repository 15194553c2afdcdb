"""Commits: what the assignments have finished becomes the group's offsets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from farandole.kafka.assignments import Assignment, Assignments
from farandole.kafka.reading import partition_of

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(milliseconds=200)


class Commits:
    """Commits for the present assignments, and never for one that has ended. For the consumer's thread."""

    def __init__(self, assignments: Assignments, *, group: str) -> None:
        self._assignments = assignments
        self._group = group
        self._last = 0.0

    def soon(self, consumer: Consumer) -> None:
        """Send what is due, without waiting for the answer; at most every 200 milliseconds."""
        now = time.monotonic()
        if now - self._last < EVERY.total_seconds():
            return
        self._last = now
        offsets = self._due()
        if not offsets:
            return
        try:
            consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self.answered(error.args[0], offsets)
            log.warning("offsets could not be committed", group=self._group, error=str(error))

    def now(self, consumer: Consumer) -> None:
        """Commit what is due, and wait for it."""
        self._send(consumer, self._due())

    def last(self, consumer: Consumer, ended: Sequence[Assignment]) -> None:
        """Commit what assignments finished that have just been taken away in order, and wait for it."""
        self._send(consumer, [_offset(one, at) for one in ended if (at := one.tracker.to_commit()) is not None])

    def answered(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """Note commits that failed, so that they are tried again."""
        for one in partitions:
            failed = error or one.error
            assignment = self._assignments.current(partition_of(one))
            if failed is not None and assignment is not None:
                assignment.tracker.committed(None)

    def _due(self) -> list[TopicPartition]:
        due = [(one, at) for one in self._assignments if (at := one.tracker.to_commit()) is not None]
        for one, at in due:
            one.tracker.committed(at)
        return [_offset(one, at) for one, at in due]

    def _send(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        if not offsets:
            return
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # What was not committed comes again, and the ledger drops it.
            log.warning("offsets could not be committed", group=self._group, error=str(error))


def _offset(assignment: Assignment, position: int) -> TopicPartition:
    return TopicPartition(assignment.partition.topic, assignment.partition.number, position)

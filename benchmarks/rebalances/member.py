"""A member of a consumer group that says when it got what: ``python member.py PROPERTIES TOPIC``.

It prints one JSON array a line: ``["held", at, partitions]`` whenever its assignment changes, and
``["got", at, [partition, …]]`` for what a poll brought. SIGTERM makes it leave. ``at`` is of the
machine's monotonic clock.
"""

from __future__ import annotations

import json
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

COMMIT_EVERY = 0.2
LEAVE_WITHIN = 2.0


class Member:
    """One consumer, driven by `run` until SIGTERM."""

    def __init__(self, properties: dict[str, str | int], topic: str) -> None:
        self._unsubscribes = bool(properties.pop("unsubscribes", ""))
        self._consumer = Consumer({**properties, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        self._held: set[int] = set()
        self._next: dict[int, int] = {}
        self._leaving = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_leaving", True))
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def run(self) -> None:
        """Poll, tell and commit until asked to leave."""
        committed = 0.0
        while not self._leaving:
            got: list[int] = []
            for message in self._consumer.consume(500, 0.02):
                if message.error() is None:
                    partition = int(message.partition() or 0)
                    got.append(partition)
                    self._next[partition] = int(message.offset() or 0) + 1
                elif message.error().code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
                    tell("error", message.error().str())
            if got:
                tell("got", sorted(set(got)))
            if time.monotonic() - committed > COMMIT_EVERY:
                committed = time.monotonic()
                self._commit(asynchronously=True)
        self._commit(asynchronously=False)
        if self._unsubscribes:
            self._unsubscribe()
        self._consumer.close()

    def _unsubscribe(self) -> None:
        """Leave the group, as a static member that is only closed does not."""
        self._consumer.unsubscribe()
        deadline = time.monotonic() + LEAVE_WITHIN
        while self._held and time.monotonic() < deadline:
            self._consumer.poll(0.1)
        self._consumer.poll(0.1)

    def _commit(self, *, asynchronously: bool) -> None:
        topic = sys.argv[2]
        offsets = [TopicPartition(topic, one, position) for one, position in self._next.items() if one in self._held]
        if offsets:
            try:
                self._consumer.commit(offsets=offsets, asynchronous=asynchronously)
            except KafkaException as error:
                tell("error", str(error))

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        self._held |= {one.partition for one in partitions}
        tell("held", sorted(self._held))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commit(asynchronously=False)
        consumer.incremental_unassign(partitions)
        self._held -= {one.partition for one in partitions}
        tell("held", sorted(self._held))


def tell(what: str, detail: object) -> None:
    """Print one line."""
    print(json.dumps([what, time.monotonic(), detail]), flush=True)


if __name__ == "__main__":
    Member(json.loads(sys.argv[1]), sys.argv[2]).run()

"""LogReader: topics as an outsider reads them: what they hold, what a group has committed, and every record.

It belongs to no group and commits nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec  # its public name is not one to type checkers

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.kafka.batch import PREFETCH, Batch
from farandole.kafka.connection import Connection
from farandole.kafka.permission import is_refused
from farandole.kafka.reading import origin_of, record_of

T = TypeVar("T")

_OFFSETS: Final[Any] = OffsetSpec
WITHIN: Final = 15.0
AGAIN: Final = 0.2
BATCH: Final = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The offsets from ``start`` up to, and without, ``end``."""

    start: int
    end: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.start >= self.end


class LogReader:
    """Reads topics from outside. Every method blocks and raises BrokerUnavailableError. For one thread at a time."""

    def __init__(self, connection: Connection) -> None:
        self._properties = connection.properties()
        self._admin = AdminClient(self._properties)

    def partitions(self) -> frozenset[Partition]:
        """Return every partition of every topic."""
        topics = _insisting(lambda: self._admin.list_topics(timeout=WITHIN).topics)
        return frozenset(Partition(topic=name, number=number) for name in topics for number in topics[name].partitions)

    def starts(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Return the first offset that each log still holds."""
        return self._offsets(partitions, _OFFSETS.earliest())

    def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Return the offset that the next record of each log will get."""
        return self._offsets(partitions, _OFFSETS.latest())

    def since(self, partitions: Iterable[Partition], moment: datetime) -> Mapping[Partition, int]:
        """Return the offset of the first record appended at or after the moment; -1 where there is none."""
        return self._offsets(partitions, _OFFSETS.for_timestamp(round(moment.timestamp() * 1000)))

    def committed(self, group: str, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Return what a group has committed of these partitions; one without a commit is absent."""
        asked = [TopicPartition(one.topic, one.number) for one in partitions]
        # Not the admin client's list_consumer_group_offsets: where the answer is an error, as while the group's
        # coordinator moves, librdkafka 2.16 refreshes a group that an admin client has none of, and the process dies.
        consumer = Consumer(self._properties | {"group.id": group, "enable.auto.commit": False})
        try:
            found = _insisting(lambda: consumer.committed(asked, timeout=WITHIN))
        finally:
            consumer.close()
        return {Partition(topic=one.topic, number=one.partition): one.offset for one in found if one.offset >= 0}

    def records(self, spans: Mapping[Partition, Span]) -> Iterator[list[Record]]:
        """Yield the records of these spans in batches: of one partition in order, of several mixed."""
        left = {partition: span for partition, span in spans.items() if not span.is_empty}
        if not left:
            return
        consumer = Consumer(
            self._properties
            | {
                "group.id": "farandole-outsider",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
            | PREFETCH
        )
        try:
            consumer.assign([TopicPartition(one.topic, one.number, span.start) for one, span in left.items()])
            while left:
                yield _records(consumer, left)
        finally:
            consumer.close()

    def _offsets(self, partitions: Iterable[Partition], spec: Any) -> Mapping[Partition, int]:
        asked = {TopicPartition(one.topic, one.number): spec for one in partitions}
        if not asked:
            return {}

        def ask() -> Mapping[Partition, int]:
            return {
                Partition(topic=one.topic, number=one.partition): answer.result(WITHIN).offset
                for one, answer in self._admin.list_offsets(asked, request_timeout=WITHIN).items()
            }

        return _insisting(ask)


def _records(consumer: Consumer, left: dict[Partition, Span]) -> list[Record]:
    """Return the next records that were asked for, and take what is read to its end off ``left``."""
    batch = Batch(most=BATCH)
    if not batch.fill(consumer, within=timedelta(seconds=WITHIN), record=lambda message: _record(message, left)):
        raise _away("no record came")
    return batch.records


def _record(message: Message, left: dict[Partition, Span]) -> Record | None:
    partition = origin_of(message)
    span, error, offset = left.get(partition), message.error(), int(message.offset() or 0)
    if span is None:
        return None
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - that is its public name
        if error.fatal() or not error.retriable():
            unreadable = BrokerUnavailableError(
                f"{partition.topic} cannot be read", why=error.str(), do="farandole doctor"
            )
            raise unreadable from KafkaException(error)
        return None
    if error is not None or offset + 1 >= span.end:
        del left[partition]
    return record_of(message, assignment=0) if error is None and offset < span.end else None


def _insisting(ask: Callable[[], T]) -> T:
    """Ask again for a while: a topic that is new, or whose leader moves, has nobody to answer for it yet."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            return ask()
        except (KafkaException, TimeoutError) as error:
            if is_refused(error) or time.monotonic() > deadline:
                raise _away(str(error.args[0] if error.args else "the brokers say nothing")) from error
        time.sleep(AGAIN)


def _away(why: str) -> BrokerUnavailableError:
    return BrokerUnavailableError("the topics cannot be read", why=why, do="farandole doctor")

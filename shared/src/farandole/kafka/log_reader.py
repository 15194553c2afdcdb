"""LogReader: topics as an outsider reads them: what they hold, what a group has committed, and every record.

It belongs to no group and commits nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource  # its public name is not one to type checkers
from confluent_kafka.admin._listoffsets import OffsetSpec  # its public name is not one to type checkers

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.kafka.batch import PREFETCH
from farandole.kafka.connection import Connection
from farandole.kafka.permission import is_refused
from farandole.kafka.reading import record_of
from farandole.kafka.sift import NO_END, Make, Sift, Span, Weighed

__all__ = ["LogReader", "Span"]

T = TypeVar("T")
W = TypeVar("W", bound=Weighed)

_OFFSETS: Final[Any] = OffsetSpec
WITHIN: Final = 15.0
AGAIN: Final = 0.2
FETCH: Final = {"fetch.message.max.bytes": 4 * 1024 * 1024}
"""Of one partition at once. More than the client's own megabyte: whoever reads a whole log waits for fewer fetches."""
TICK: Final = timedelta(milliseconds=500)


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
        # Before 1970 no record has a time, and to the client a negative one is "the end", or wrong.
        return self._offsets(partitions, _OFFSETS.for_timestamp(max(0, round(moment.timestamp() * 1000))))

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

    def topic_ids(self, topics: Iterable[str]) -> Mapping[str, str]:
        """Return the id of each topic: one that was made again under the same name has another."""
        asked = sorted(set(topics))
        if not asked:
            return {}

        def ask() -> Mapping[str, str]:
            answers = self._admin.describe_topics(TopicCollection(asked), request_timeout=WITHIN)
            return {name: str(answer.result(WITHIN).topic_id) for name, answer in answers.items()}

        return _insisting(ask)

    def stamped_by_broker(self, topics: Iterable[str]) -> frozenset[str]:
        """Return those topics whose records carry the broker's time, which does not go back within a partition.

        One whose configuration may not be read is taken for one that carries whatever its writers say.
        """
        asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in sorted(set(topics))]
        if not asked:
            return frozenset()
        answers = self._admin.describe_configs(asked, request_timeout=WITHIN)
        return frozenset(one.name for one, answer in answers.items() if _is_stamped(answer))

    def records(self, spans: Mapping[Partition, Span]) -> Iterator[list[Record]]:
        """Yield the records of these spans in batches: of one partition in order, of several mixed."""
        return self.read(spans, lambda message, _partition, _offset: record_of(message, assignment=0))

    def read(self, spans: Mapping[Partition, Span], make: Make[W]) -> Iterator[list[W]]:
        """Yield what ``make`` makes of the records of these spans, as `records` does; None is left out.

        A batch ends after a number of records read or of bytes made, whichever comes first; it may be empty.
        """
        left = {
            (partition.topic, partition.number): (partition, span)
            for partition, span in spans.items()
            if not span.is_empty
        }
        if not left:
            return
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(*at, span.start) for at, (_, span) in left.items()])
            while left:
                sift = Sift(left, make)
                if not sift.fill(consumer, within=WITHIN):
                    raise _away("no record came")
                yield sift.made
        finally:
            consumer.close()

    def follow(
        self, starts: Mapping[Partition, int], make: Make[W], *, tick: timedelta = TICK
    ) -> Generator[list[W], None, None]:
        """Yield what ``make`` makes of the records from these offsets on, for ever; an empty list where none came.

        At the latest after ``tick`` something is yielded. Ends when it is closed.
        """
        left = {(at.topic, at.number): (at, Span(start=start, end=NO_END)) for at, start in starts.items()}
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(*at, span.start) for at, (_, span) in left.items()])
            while True:
                sift = Sift(left, make)
                sift.fill(consumer, within=tick.total_seconds())
                yield sift.made
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        return Consumer(
            self._properties
            | {
                "group.id": "farandole-outsider",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
            | PREFETCH
            | FETCH
        )

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


def _is_stamped(answer: Any) -> bool:
    try:
        return bool(answer.result(WITHIN)["message.timestamp.type"].value == "LogAppendTime")
    except (KafkaException, TimeoutError, KeyError):
        return False


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

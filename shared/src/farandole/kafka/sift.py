"""Sift: the records of one poll of an outsider, of which only those that are wanted are made into anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.kafka.batch import AT_ONCE, MOST_BYTES

BATCH: Final = 2_000
NO_END: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The offsets from ``start`` up to, and without, ``end``."""

    start: int
    end: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.start >= self.end


class Weighed(Protocol):
    """What is made of a record."""

    @property
    def weight(self) -> int:
        """How many bytes it takes in memory, about."""
        ...


class Enough(Enum):
    """Said of a partition: nothing more of it is wanted."""

    ENOUGH = "enough"


ENOUGH: Final = Enough.ENOUGH
W = TypeVar("W", bound=Weighed)
Make = Callable[[Message, Partition, int], W | Enough | None]
"""Makes something of a message, which lies in this partition at this offset, or None. It must not keep the message."""
Left = dict[tuple[str, int], tuple[Partition, Span]]
"""What is left to read, by topic and number."""


class Sift(Generic[W]):
    """What was made of at most ``BATCH`` messages or ``MOST_BYTES``. For one thread, once.

    Like a batch of the engine's it takes a few messages at a time and lets go of each: see there for why.
    """

    def __init__(self, left: Left, make: Make[W]) -> None:
        self.made: list[W] = []
        self._left = left
        self._make = make
        self._weight = 0

    def fill(self, consumer: Consumer, *, within: float) -> bool:
        """Wait so many seconds for a message and take what else is there; take what is read to its end off ``left``.

        Returns whether any message came in time. Raises BrokerUnavailableError where a partition cannot be read.
        """
        first = consumer.poll(within)
        if first is None:
            return False
        messages, first, more = [first], None, BATCH - 1
        while messages:
            self._take(messages, consumer)
            more -= AT_ONCE
            messages = [] if more < 0 or self._weight >= MOST_BYTES else consumer.consume(AT_ONCE, 0)
        return True

    def _take(self, messages: list[Message], consumer: Consumer) -> None:
        left, make, take = self._left, self._make, self.made.append
        messages.reverse()
        while messages:
            message = messages.pop()
            at = message.topic(), message.partition()
            found = left.get(at)  # type: ignore[arg-type] # librdkafka's messages have both
            if found is None:
                continue
            partition, span = found
            error = message.error()
            if error is not None:
                self._end_or_error(error, partition)
                continue
            offset: int = message.offset()  # type: ignore[assignment] # as above
            if offset < span.end:
                made = make(message, partition, offset)
                if made is ENOUGH:
                    self._finish(partition, consumer)
                    continue
                if made is not None:
                    take(made)
                    self._weight += made.weight
            if offset + 1 >= span.end:
                self._finish(partition, consumer)

    def _end_or_error(self, error: KafkaError, partition: Partition) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - that is its public name
            if self._left[partition.topic, partition.number][1].end != NO_END:
                del self._left[partition.topic, partition.number]
        elif error.fatal() or not error.retriable():
            unreadable = BrokerUnavailableError(
                f"{partition.topic} cannot be read", why=error.str(), do="farandole doctor"
            )
            raise unreadable from KafkaException(error)

    def _finish(self, partition: Partition, consumer: Consumer) -> None:
        del self._left[partition.topic, partition.number]
        if self._left:
            # Else the client would go on fetching what was written since, and the others would wait for it.
            consumer.pause([TopicPartition(partition.topic, partition.number)])

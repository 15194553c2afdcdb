"""Answers: how many orders are answered or given up, asked of the broker without reading a record."""

from __future__ import annotations

from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from farandole.errors import BrokerUnavailableError

ANSWERS: Final = "payments"
GIVEN_UP: Final = "payments.dlq"
_WITHIN: Final = 10.0


class AnswerMeter:
    """Counts records by the ends of their partitions. Its calls block: use it in a thread."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "farandole-storm", "log_level": 2})
        self._partitions: list[TopicPartition] = []

    def read(self) -> tuple[int, int]:
        """Return how many answers and how many dead letters there are. Raises BrokerUnavailableError."""
        try:
            if not self._partitions:
                topics = self._consumer.list_topics(timeout=_WITHIN).topics
                self._partitions = [
                    TopicPartition(name, number) for name in (ANSWERS, GIVEN_UP) for number in topics[name].partitions
                ]
            ends = [(one.topic, self._end(one)) for one in self._partitions]
        except KafkaException as error:
            raise BrokerUnavailableError(f"the answers cannot be counted: {error.args[0]}") from error
        return sum(end for name, end in ends if name == ANSWERS), sum(end for name, end in ends if name == GIVEN_UP)

    def _end(self, partition: TopicPartition) -> int:
        offsets = self._consumer.get_watermark_offsets(partition, timeout=_WITHIN)
        return offsets[1] if offsets else 0

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

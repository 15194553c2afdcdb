"""librdkafka keeps a partition paused across an unassignment and the next assignment (seen with 2.16 on Kafka 4.3).

So a partition that was lost while it was paused, and whose reason to pause ended while nobody had it, has to be resumed
when it comes back; otherwise it is never read again, and nothing says so.
"""

from __future__ import annotations

import pytest
from confluent_kafka import TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.connection import Connection
from farandole.kafka.source import KafkaSource

ORDERS = Partition(topic="orders", number=0)


class FakeConsumer:
    """Remembers what is paused, as librdkafka does: whatever is assigned or not in the meantime."""

    def __init__(self) -> None:
        self.paused: set[tuple[str, int]] = set()

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {(one.topic, one.partition) for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {(one.topic, one.partition) for one in partitions}

    def incremental_assign(self, _: list[TopicPartition]) -> None:
        """Leave everything paused that is."""

    def incremental_unassign(self, _: list[TopicPartition]) -> None:
        """Leave everything paused that is."""


def _partitions() -> list[TopicPartition]:
    return [TopicPartition(ORDERS.topic, ORDERS.number)]


@pytest.fixture
def source() -> KafkaSource:
    return KafkaSource(Connection(bootstrap="nowhere:9092", client_id="test"), group="test", topics=["orders"])


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


def test_a_partition_lost_while_the_loop_was_full_is_read_again(source, consumer):
    source._assigned(consumer, _partitions())
    source._choke(consumer, on=True)
    source._was_lost(consumer, _partitions())
    source._choke(consumer, on=False)
    source._assigned(consumer, _partitions())
    assert consumer.paused == set()


def test_a_partition_lost_while_it_waited_for_something_is_read_again(source, consumer):
    source._assigned(consumer, _partitions())
    source.pause(ORDERS)
    source._obey(consumer)
    source._was_lost(consumer, _partitions())
    source.resume(ORDERS)
    source._obey(consumer)
    source._assigned(consumer, _partitions())
    assert consumer.paused == set()


def test_a_partition_that_still_has_a_reason_to_wait_waits(source, consumer):
    source.pause(ORDERS)
    source._assigned(consumer, _partitions())
    assert consumer.paused == {("orders", 0)}


def test_a_partition_that_comes_while_the_loop_is_full_waits(source, consumer):
    source._choke(consumer, on=True)
    source._assigned(consumer, _partitions())
    assert consumer.paused == {("orders", 0)}
    source._choke(consumer, on=False)
    assert consumer.paused == set()

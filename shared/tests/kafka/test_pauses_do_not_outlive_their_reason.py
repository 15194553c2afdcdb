"""librdkafka keeps a partition paused across an unassignment and the next assignment (seen with 2.16 on Kafka 4.3).

So a partition that was lost while it was paused, and whose reason to pause ended while nobody had it, has to be resumed
when it comes back; otherwise it is never read again, and nothing says so.
"""

from __future__ import annotations

import pytest
from confluent_kafka import TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.commits import Commits
from farandole.kafka.holding import Holding
from farandole.kafka.membership import Membership
from farandole.kafka.pauses import Pauses
from farandole.metrics import Metrics

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


class Held:
    """What a member does about its partitions, called as its thread would."""

    def __init__(self) -> None:
        self.pauses = Pauses()
        self.consumer = FakeConsumer()
        assignments = Assignments()
        told = Membership("test", metrics=Metrics("test"), on_ended=lambda _: None)
        self._holding = Holding(assignments, self.pauses, Commits(assignments, group="test"), told)

    def assigned(self) -> None:
        self._holding.take(self.consumer, [ORDERS])

    def lost(self) -> None:
        self._holding.lose(self.consumer, [ORDERS])

    def choke(self, *, on: bool) -> None:
        self._holding.choke(self.consumer, on=on)

    def step(self) -> None:
        self._holding.obey(self.consumer)


@pytest.fixture
def member() -> Held:
    return Held()


def test_a_partition_lost_while_the_loop_was_full_is_read_again(member):
    member.assigned()
    member.choke(on=True)
    member.lost()
    member.choke(on=False)
    member.assigned()
    assert member.consumer.paused == set()


def test_a_partition_lost_while_it_waited_for_something_is_read_again(member):
    member.assigned()
    member.pauses.add(ORDERS)
    member.step()
    member.lost()
    member.pauses.remove(ORDERS)
    member.step()
    member.assigned()
    assert member.consumer.paused == set()


def test_a_partition_that_still_has_a_reason_to_wait_waits(member):
    member.pauses.add(ORDERS)
    member.assigned()
    assert member.consumer.paused == {("orders", 0)}


def test_a_partition_that_comes_while_the_loop_is_full_waits(member):
    member.choke(on=True)
    member.assigned()
    assert member.consumer.paused == {("orders", 0)}
    member.choke(on=False)
    assert member.consumer.paused == set()

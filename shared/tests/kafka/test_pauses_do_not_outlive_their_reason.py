"""librdkafka keeps a partition paused across an unassignment and the next assignment (seen with 2.16 on Kafka 4.3).

So a partition that was lost while it was paused, and whose reason to pause ended while nobody had it, has to be resumed
when it comes back; otherwise it is never read again, and nothing says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.handover import HandOver
from farandole.kafka.member import Member
from farandole.kafka.pauses import Pauses

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


class MemberWithout:
    """A member whose thread does not run: the test calls what the thread would."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pauses = Pauses()
        self.consumer = FakeConsumer()
        self._member = Member(
            {"group.id": "test"},
            topics=["orders"],
            assignments=Assignments(),
            pauses=self.pauses,
            handover=HandOver(loop),
            on_ended=lambda _: None,
        )

    def assigned(self) -> None:
        self._member._assigned(self.consumer, _partitions())

    def lost(self) -> None:
        self._member._was_lost(self.consumer, _partitions())

    def choke(self, *, on: bool) -> None:
        self._member._choke(self.consumer, on=on)

    def step(self) -> None:
        self._member._obey(self.consumer)


@pytest.fixture
def member() -> Iterator[MemberWithout]:
    loop = asyncio.new_event_loop()
    yield MemberWithout(loop)
    loop.close()


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

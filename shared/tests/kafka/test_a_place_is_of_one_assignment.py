"""Where reading of a partition has to begin is asked for one assignment, and forgotten with it.

The group may have no position yet, or one that retention has taken; then the brokers are asked where to begin. While
they are slow to answer, the partition may go and come back with a position that somebody else has committed. Set back
by the late answer, the consumer would fetch what lies before the records that it has, and commit over a gap.
"""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import TopicPartition
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.handover import HandOver
from farandole.kafka.member import Member
from farandole.kafka.membership import Membership
from farandole.kafka.pauses import Pauses
from farandole.metrics import Metrics

ORDERS = Partition(topic="orders", number=0)


class SlowBroker:
    """A consumer that takes whatever it is told, and whose brokers do not say where a partition begins."""

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


@pytest.mark.parametrize("how", ["_revoked", "_was_lost", "_assigned"])
async def test_what_was_asked_for_one_assignment_does_not_move_the_next(how):
    told = Membership("test", metrics=Metrics("test"), on_ended=lambda _: None)
    handover = HandOver(asyncio.get_running_loop())
    member = Member(
        {"group.id": "test"},
        topics=["orders"],
        assignments=Assignments(),
        pauses=Pauses(),
        handover=handover,
        told=told,
    )
    partitions, consumer = [TopicPartition("orders", 0)], SlowBroker()
    member._assigned(consumer, partitions)
    member._unplaced[ORDERS] = None
    getattr(member, how)(consumer, partitions)
    assert member._unplaced == {}

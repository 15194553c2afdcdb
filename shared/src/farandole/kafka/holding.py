"""Holding: what a consumer does about its partitions: takes them, gives them back, loses, pauses and places them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.commits import Commits
from farandole.kafka.departure import Departure
from farandole.kafka.pauses import Pauses
from farandole.kafka.placement import Placement, placements
from farandole.kafka.reading import partition_of

log = structlog.get_logger(__name__)


class Told(Protocol):
    """Hears what happens to a membership. Called in the member's thread; must not raise."""

    def held(self, count: int) -> None:
        """So many partitions are held now."""
        ...

    def ended(self, assignment: int) -> None:
        """An assignment has ended."""
        ...

    def departed(self, departure: Departure) -> None:
        """The consumer left its group, or was put out."""
        ...

    def placed(self, placement: Placement) -> None:
        """A partition is read from where its log begins, for want of the offset that was asked for."""
        ...


class Holding:
    """The partitions of one member. For the thread that owns the consumer."""

    def __init__(self, assignments: Assignments, pauses: Pauses, commits: Commits, told: Told) -> None:
        self._assignments = assignments
        self._pauses = pauses
        self._commits = commits
        self._told = told

    @property
    def partitions(self) -> list[Partition]:
        """What is held now."""
        return [assignment.partition for assignment in self._assignments]

    def take(self, consumer: Consumer, partitions: Iterable[Partition]) -> None:
        """Begin to hold what the group assigned."""
        gained = list(partitions)
        consumer.incremental_assign(_named(gained))
        self._assignments.add(gained)
        for partition in gained:
            # The client keeps a pause across a loss: one whose reason ended meanwhile has to be taken back here.
            self._switch(consumer, partition)
        self._told.held(len(self.partitions))

    def give_back(self, consumer: Consumer, partitions: Iterable[Partition]) -> None:
        """Commit what is finished of what the group takes away in order, and hold it no longer."""
        given = list(partitions)
        ended = self._assignments.remove(given)
        self._commits.last(consumer, ended)
        self._tell(one.number for one in ended)
        consumer.incremental_unassign(_named(given))

    def lose(self, consumer: Consumer, partitions: Iterable[Partition]) -> bool:
        """Hold no longer what is somebody else's already, without a commit; return whether any of it was held."""
        lost = list(partitions)
        held = self.abandon(lost)
        consumer.incremental_unassign(_named(lost))
        return held

    def abandon(self, partitions: Iterable[Partition]) -> bool:
        """End assignments without a commit: whoever holds the partitions now decides. Return whether there were any."""
        ended = self._assignments.remove(partitions)
        self._tell(one.number for one in ended)
        return bool(ended)

    def abandon_all(self) -> None:
        """End all assignments without a commit."""
        self.abandon(self.partitions)

    def obey(self, consumer: Consumer) -> None:
        """Pause and resume what was asked for since the last time."""
        for partition in self._pauses.take_changed():
            if self._assignments.current(partition) is not None:
                self._switch(consumer, partition)

    def choke(self, consumer: Consumer, *, on: bool) -> None:
        """Pause everything, or no longer."""
        if on == self._pauses.everything:
            return
        self._pauses.everything = on
        for partition in self.partitions:
            self._switch(consumer, partition)

    def place(self, consumer: Consumer, asked: Mapping[Partition, int | None]) -> dict[Partition, int | None]:
        """Read from where the log begins what has no offset, or one that the log has not. Return what is left to do.

        Raises KafkaException where the brokers do not answer.
        """
        held = {one: offset for one, offset in asked.items() if self._assignments.current(one) is not None}
        placed = placements(consumer, held)
        for placement in placed:
            self._begin_at(consumer, placement)
            self._told.placed(placement)
        return {one: offset for one, offset in held.items() if one not in {each.partition for each in placed}}

    def _begin_at(self, consumer: Consumer, placement: Placement) -> None:
        partition, start = placement.partition, placement.start
        if placement.asked is not None and start < placement.asked:
            # What is in hand has the offsets of another log, and cannot be finished in this one.
            self.abandon([partition])
            self._assignments.add([partition])
        assignment = self._assignments.current(partition)
        assert assignment is not None
        assignment.tracker.begin_at(start)
        # The client does not seek in a partition that it failed to begin.
        consumer.incremental_unassign(_named([partition]))
        consumer.incremental_assign([TopicPartition(partition.topic, partition.number, start)])
        self._switch(consumer, partition)

    def _switch(self, consumer: Consumer, partition: Partition) -> None:
        one = _named([partition])
        try:
            consumer.pause(one) if self._pauses.holds(partition) else consumer.resume(one)
        except KafkaException as error:
            log.warning("a partition could not be paused or resumed", partition=str(partition), error=str(error))

    def _tell(self, ended: Iterable[int]) -> None:
        for number in ended:
            self._told.ended(number)
        self._told.held(len(self.partitions))


def partitions_of(client: Iterable[TopicPartition]) -> list[Partition]:
    """Return what the client names."""
    return [partition_of(one) for one in client]


def _named(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(one.topic, one.number) for one in partitions]

"""Placement: where reading a partition begins when the group has no offset for it, or one that the log has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, TopicPartition

from farandole.engine.ports import Partition
from farandole.errors import RecordsLostError
from farandole.kafka.reading import partition_of

_ANSWER_WITHIN = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where to begin, and how many records between ``asked`` and there are gone."""

    partition: Partition
    start: int
    asked: int | None
    lost: int
    error: RecordsLostError | None


def place(partition: Partition, *, asked: int | None, first: int, end: int) -> Placement:
    """Decide where to begin reading a log that goes from ``first`` to ``end`` (exclusive).

    Args:
        partition: whose log it is.
        asked: the offset that was to be read next; None where the group never committed one.
        first: the oldest offset that the log still has.
        end: the next offset that it will give.
    """
    if asked is None or first <= asked <= end:
        start = first if asked is None else asked
        return Placement(partition=partition, start=start, asked=asked, lost=0, error=None)
    where = f"{partition.topic}, partition {partition.number}"
    if asked < first:
        error = RecordsLostError(
            f"{first - asked} records of {where}, are gone: {asked} to {first - 1}",
            why="retention removed them before this service read them",
            do="raise the topic's retention above the longest outage; farandole audit tells what lacks an effect",
        )
        return Placement(partition=partition, start=first, asked=asked, lost=first - asked, error=error)
    error = RecordsLostError(
        f"the log of {where}, ends at {end}, before {asked}",
        why="the topic was made again, or its brokers lost its end",
        do="find out which; it is read again from its beginning, and what was handled before is dropped",
        code="E329",
    )
    return Placement(partition=partition, start=first, asked=asked, lost=0, error=error)


def placements(consumer: Consumer, asked: Mapping[Partition, int | None]) -> list[Placement]:
    """Ask the brokers for the logs' bounds and place each partition. Raises KafkaException where they do not answer."""
    first, end = (_bounds(consumer, asked, which) for which in (OFFSET_BEGINNING, OFFSET_END))
    return [
        place(partition, asked=offset, first=first[partition], end=end[partition])
        for partition, offset in asked.items()
        if partition in first and partition in end
    ]


def _bounds(consumer: Consumer, asked: Mapping[Partition, int | None], which: int) -> dict[Partition, int]:
    # Where a time would be, Kafka takes these two for "the first" and "the end".
    questions = [TopicPartition(one.topic, one.number, which) for one in asked]
    answers = consumer.offsets_for_times(questions, timeout=_ANSWER_WITHIN)
    return {partition_of(one): one.offset for one in answers if one.error is None}

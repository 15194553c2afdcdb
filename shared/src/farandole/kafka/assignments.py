"""Assignments: which partitions this consumer holds, each under a number of its own, with the tracker of its offsets.

A number is never used again. An assignment that was taken away and given back is another one, so nothing that was
fetched before can commit an offset after (PROTOCOL rule 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from farandole.engine.ports import Partition
from farandole.engine.tracker import Tracker


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One partition held since one rebalance."""

    number: int
    partition: Partition
    tracker: Tracker = field(default_factory=Tracker, compare=False)


class Assignments:
    """The current assignments. Changed by one thread; `finish` may be called from others."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._by_partition: dict[Partition, Assignment] = {}
        self._by_number: dict[int, Assignment] = {}

    def add(self, partitions: Iterable[Partition]) -> None:
        """Begin a new assignment of each partition."""
        for partition in partitions:
            assignment = Assignment(number=next(self._numbers), partition=partition)
            self._by_partition[partition] = assignment
            self._by_number[assignment.number] = assignment

    def remove(self, partitions: Iterable[Partition]) -> list[Assignment]:
        """End the assignments of these partitions and return them."""
        ended = [self._by_partition.pop(p) for p in list(partitions) if p in self._by_partition]
        for assignment in ended:
            del self._by_number[assignment.number]
        return ended

    def current(self, partition: Partition) -> Assignment | None:
        """Return the present assignment of a partition, if it is held."""
        return self._by_partition.get(partition)

    def finish(self, number: int, offset: int) -> None:
        """Note an offset as finished; does nothing when its assignment has ended."""
        assignment = self._by_number.get(number)
        if assignment is not None:
            assignment.tracker.finish(offset)

    def __iter__(self) -> Iterator[Assignment]:
        """Iterate over the present assignments."""
        return iter(list(self._by_partition.values()))

"""First: the first records of a frozen set, in the order in which the logs would be merged by time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush, heappushpop
from typing import Final

from confluent_kafka import Message

from farandole.engine.ports import Partition
from farandole.kafka.log_reader import LogReader
from farandole.kafka.sift import ENOUGH, Enough
from farandole.selection.frozen import Frozen
from farandole.selection.selected import Selected
from farandole.selection.sieve import EARLIEST

Place = tuple[int, int, int]
"""Where a record comes in the merged order: latest time so far in its partition, partition, offset; all negated."""

MOST_KEPT: Final = 10_000
MOST_KEPT_BYTES: Final = 32 * 1024 * 1024


class First:
    """Finds the ``limit`` first selected records of a frozen set. For one thread, once.

    Within a partition the order is that of its log, also where a writer's time goes back: there the latest time so far
    counts. So the first ones are a beginning of each partition, and where it ends is all that has to be known.
    """

    def __init__(self, frozen: Frozen, take: Callable[[Message, Partition, int], Selected | None], limit: int) -> None:
        self._frozen = frozen
        self._take = take
        self._limit = limit
        self._numbers = {at: number for number, at in enumerate(frozen.spans)}
        self._latest: dict[Partition, int] = {}
        self._places: list[Place] = []
        """A heap of the first places so far: the last of them is on top."""
        self._kept: dict[Place, Selected] | None = {}
        self._weight = 0

    def read(self, reader: LogReader) -> None:
        """Read the set, each partition until nothing more of it counts. Blocks; raises BrokerUnavailableError."""
        for _ in reader.read(self._frozen.spans, self.look):
            pass

    def look(self, message: Message, partition: Partition, offset: int) -> Enough | None:
        """Take a message into account; whatever follows one that comes too late does so too."""
        number = self._numbers[partition]
        self._latest[partition] = latest = max(message.timestamp()[1], self._latest.get(partition, EARLIEST))
        place = (-latest, -number, -offset)
        if self._is_full and place < self._places[0]:
            return ENOUGH
        one = self._take(message, partition, offset)
        if one is not None:
            self._keep(place, one)
        return None

    @property
    def kept(self) -> list[Selected] | None:
        """The first records in their order; None where they are too much to be held."""
        if self._kept is None:
            return None
        return [self._kept[place] for place in sorted(self._kept, reverse=True)]

    def _keep(self, place: Place, one: Selected) -> None:
        left: Place | None = None
        if self._is_full:
            left = heappushpop(self._places, place)
        else:
            heappush(self._places, place)
        if self._kept is None:
            return
        self._kept[place] = one
        self._weight += one.weight
        if left is not None:
            self._weight -= self._kept.pop(left).weight
        if self._weight > MOST_KEPT_BYTES or len(self._kept) > MOST_KEPT:
            self._kept = None

    @property
    def _is_full(self) -> bool:
        return len(self._places) >= self._limit

    @property
    def ends(self) -> dict[Partition, int]:
        """Where each partition's share ends; one without a share is absent."""
        by_number = {number: at for at, number in self._numbers.items()}
        found: dict[Partition, int] = {}
        for _, number, offset in self._places:
            at = by_number[-number]
            found[at] = max(found.get(at, 0), 1 - offset)
        return found

"""Limited: the first records of a frozen set, in the order in which the logs would be merged by time."""

from __future__ import annotations

from heapq import heappush, heappushpop

from confluent_kafka import Message

from farandole.engine.ports import Partition
from farandole.kafka.log_reader import LogReader
from farandole.kafka.sift import ENOUGH, Enough, Make
from farandole.selection.frozen import Frozen
from farandole.selection.selected import Selected
from farandole.selection.sieve import EARLIEST

Place = tuple[int, int, int]
"""Where a record comes in the merged order: latest time so far in its partition, partition, offset; all negated."""


class First:
    """Finds the ``limit`` first selected records of a frozen set. For one thread, once.

    Within a partition the order is that of its log, also where a writer's time goes back: there the latest time so far
    counts. So the first ones are a beginning of each partition, and where it ends is all that has to be known.
    """

    def __init__(self, frozen: Frozen, take: Make[Selected], limit: int) -> None:
        self._take = take
        self._limit = limit
        self._numbers = {at: number for number, at in enumerate(frozen.spans)}
        self._latest: dict[Partition, int] = {}
        self._last_first: list[Place] = []
        """A heap of the first places so far: the last of them is on top."""

    def look(self, message: Message, partition: Partition, offset: int) -> Enough | None:
        """Take a message into account; whatever follows one that comes too late does so too."""
        number = self._numbers[partition]
        self._latest[partition] = latest = max(message.timestamp()[1], self._latest.get(partition, EARLIEST))
        place = (-latest, -number, -offset)
        if not self._is_full:
            if self._take(message, partition, offset) is not None:
                heappush(self._last_first, place)
            return None
        if place < self._last_first[0]:
            return ENOUGH
        if self._take(message, partition, offset) is not None:
            heappushpop(self._last_first, place)
        return None

    @property
    def _is_full(self) -> bool:
        return len(self._last_first) >= self._limit

    @property
    def ends(self) -> dict[Partition, int]:
        """Where each partition's share ends; one without a share is absent."""
        by_number = {number: at for at, number in self._numbers.items()}
        found: dict[Partition, int] = {}
        for _, number, offset in self._last_first:
            at = by_number[-number]
            found[at] = max(found.get(at, 0), 1 - offset)
        return found


def limited(reader: LogReader, frozen: Frozen, take: Make[Selected], limit: int) -> Frozen:
    """Cut a frozen set so that just the first ``limit`` records that ``take`` selects are left of it.

    Reads the set, each partition until nothing more of it counts. Blocks; raises BrokerUnavailableError.
    """
    first = First(frozen, take, limit)
    for _ in reader.read(frozen.spans, first.look):
        pass
    return frozen.until(first.ends)

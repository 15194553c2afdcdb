"""Sent: which records an operation has sent already, eight bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from farandole.delivery import Coordinates


class Sent:
    """A set of coordinates. Fill it, then ask: the first question sorts what came in since. Not thread-safe."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[str, int], array[int]] = {}
        self._unsorted: set[tuple[str, int]] = set()

    def add(self, origin: Coordinates) -> None:
        """Note that the record of these coordinates was sent."""
        partition = (origin.topic, origin.partition)
        offsets = self._offsets.setdefault(partition, array("q"))
        if not offsets or origin.offset > offsets[-1]:
            offsets.append(origin.offset)
        elif origin.offset < offsets[-1]:
            offsets.append(origin.offset)
            self._unsorted.add(partition)

    def __contains__(self, origin: Coordinates) -> bool:
        """Say whether it was sent."""
        self._sort()
        offsets = self._offsets.get((origin.topic, origin.partition))
        if offsets is None:
            return False
        place = bisect_left(offsets, origin.offset)
        return place < len(offsets) and offsets[place] == origin.offset

    def __len__(self) -> int:
        """Return how many were sent."""
        self._sort()
        return sum(map(len, self._offsets.values()))

    def _sort(self) -> None:
        for partition in self._unsorted:
            self._offsets[partition] = array("q", sorted(set(self._offsets[partition])))
        self._unsorted.clear()

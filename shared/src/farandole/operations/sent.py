"""Sent: which records an operation has sent already, eight bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from farandole.delivery import Coordinates

_Part = tuple[str, int, str]


class Sent:
    """A set of origins, each with the id of the replay under which it was sent, empty where it was sent under none.

    One event may have dead letters of its own and of a replay: they have one origin, and are two events to a service.
    Fill it, then ask: the first question sorts what came in since. Not thread-safe.
    """

    def __init__(self) -> None:
        self._offsets: dict[_Part, array[int]] = {}
        self._unsorted: set[_Part] = set()

    def add(self, origin: Coordinates, replay_id: str = "") -> None:
        """Note that the record of these coordinates was sent, under that replay."""
        part = (origin.topic, origin.partition, replay_id)
        offsets = self._offsets.setdefault(part, array("q"))
        if not offsets or origin.offset > offsets[-1]:
            offsets.append(origin.offset)
        elif origin.offset < offsets[-1]:
            offsets.append(origin.offset)
            self._unsorted.add(part)

    def has(self, origin: Coordinates, replay_id: str = "") -> bool:
        """Say whether it was sent, under that replay."""
        self._sort()
        offsets = self._offsets.get((origin.topic, origin.partition, replay_id))
        if offsets is None:
            return False
        place = bisect_left(offsets, origin.offset)
        return place < len(offsets) and offsets[place] == origin.offset

    def __len__(self) -> int:
        """Return how many were sent."""
        self._sort()
        return sum(map(len, self._offsets.values()))

    def _sort(self) -> None:
        for part in self._unsorted:
            self._offsets[part] = array("q", sorted(set(self._offsets[part])))
        self._unsorted.clear()

"""Pauses: which partitions are to wait, and for how many reasons."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from farandole.engine.ports import Partition


class Pauses:
    """Counted pauses by partition, whether it is assigned at present or not; and one of everything. Thread-safe.

    A pause belongs to its reason and not to an assignment: it outlives a rebalance as long as the reason does, and ends
    with it, also while nobody holds the partition.
    """

    def __init__(self) -> None:
        self._reasons: Counter[Partition] = Counter()
        self._changed: set[Partition] = set()
        self._everything = False
        self._lock = Lock()

    def add(self, partition: Partition) -> None:
        """Note one more reason to wait."""
        with self._lock:
            self._reasons[partition] += 1
            self._changed.add(partition)

    def remove(self, partition: Partition) -> None:
        """Take one reason back."""
        with self._lock:
            self._reasons[partition] -= 1
            if self._reasons[partition] <= 0:
                del self._reasons[partition]
            self._changed.add(partition)

    @property
    def everything(self) -> bool:
        """Whether all partitions wait, each for this reason beside its own."""
        return self._everything

    @everything.setter
    def everything(self, waits: bool) -> None:
        self._everything = waits

    def holds(self, partition: Partition) -> bool:
        """Say whether a partition is to wait."""
        return self._everything or self._reasons[partition] > 0

    def take_changed(self) -> set[Partition]:
        """Return the partitions that gained or lost a reason since this was asked last."""
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

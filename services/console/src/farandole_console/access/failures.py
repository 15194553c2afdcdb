"""Failures: how often each address failed to sign in lately, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import timedelta
from typing import Final

MOST_FAILURES: Final = 10
WITHIN: Final = timedelta(minutes=1)
MOST_ADDRESSES: Final = 1_000


class Failures:
    """Counts failures by address; beyond `MOST_ADDRESSES` the one that failed longest ago is forgotten.

    For one event loop. ``now`` is a steady clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed)

    def wait_of(self, address: str) -> float:
        """Return the seconds that an address has to wait before it may try; 0 where it may."""
        times = self._failed.get(address)
        if times is None or len(times) < MOST_FAILURES:
            return 0.0
        return max(0.0, times[0] + WITHIN.total_seconds() - self._now())

    def failed(self, address: str) -> None:
        """Note one."""
        times = self._failed.setdefault(address, deque(maxlen=MOST_FAILURES))
        times.append(self._now())
        self._failed.move_to_end(address)
        while len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)

"""When a child that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartPolicy:
    """Exponential backoff: ``first``, then twice as long each time, at most ``longest``.

    A child that ran for ``stable`` counts as healed: its next end starts from ``first`` again.
    """

    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(seconds=15)
    stable: timedelta = timedelta(seconds=10)

    def delay(self, failures: int) -> timedelta:
        """Return how long to wait after the ``failures``-th end in a row (from 1)."""
        doublings = min(failures - 1, 32)
        return min(self.longest, self.first * (1 << doublings))

    def failures(self, before: int, ran: timedelta) -> int:
        """Count ends in a row: one more than ``before``, or the first, when the child had been stable."""
        return 1 if ran >= self.stable else before + 1

"""Backoff: when a failed delivery is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from farandole.errors import StartError

MOST_GROWTH: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter (the "full jitter" of the AWS Architecture Blog, 2015).

    Attempt ``n`` (from 0) that fails is followed by a delay drawn evenly from zero to ``ceiling(n)``, which is
    ``first · factorⁿ``, at most ``longest``. After ``attempts`` attempts in all the delivery becomes a dead letter.
    """

    first: timedelta = timedelta(seconds=1)
    factor: float = 4.0
    attempts: int = 5
    longest: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.factor < 1 or not timedelta(0) < self.first <= self.longest:
            raise StartError(
                f"{self} is not a backoff",
                why="it needs attempts ≥ 1, factor ≥ 1 and 0 < first ≤ longest",
                do="correct the retry= of the handler",
                code="E101",
            )

    @property
    def tiers(self) -> int:
        """How many retry tiers this policy can reach."""
        return self.attempts - 1

    def ceiling(self, attempt: int) -> timedelta:
        """Return the longest delay that may follow the failure of ``attempt`` (from 0)."""
        # Beyond some hundred attempts the power would overflow; long before that the longest delay is reached.
        growth = min(self.factor ** min(attempt, MOST_GROWTH), self.longest / self.first)
        return min(self.first * growth, self.longest)

    def delay(self, attempt: int, random: Random) -> timedelta:
        """Draw the delay that follows the failure of ``attempt`` (from 0)."""
        return self.ceiling(attempt) * random.random()

    def exhausted(self, attempt: int) -> bool:
        """Say whether ``attempt`` (from 0) was the last one."""
        return attempt + 1 >= self.attempts

    @property
    def longest_chain(self) -> timedelta:
        """The longest time from the first failure to the dead letter, waiting alone."""
        return sum((self.ceiling(n) for n in range(self.tiers)), timedelta(0))

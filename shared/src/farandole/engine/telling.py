"""Telling: what workers tell of deliveries that leave no record behind. Best effort, bounded, and in no one's path."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from typing import Final, Protocol

from farandole.clock import Clock
from farandole.delivery import Delivery
from farandole.engine.thrown import is_ending
from farandole.outcomes import MOST_OUTCOMES, DeliveryOutcome, Kind, OutcomeBatch, encode, outcome_of

MOST_KEPT: Final = 10_000
EVERY: Final = timedelta(milliseconds=500)


class Hears(Protocol):
    """Where batches of outcomes go."""

    def take(self, value: bytes) -> bool:
        """Take a batch, or refuse it, at once. Never waits, never raises; what it took may be lost all the same."""
        ...


class Telling:
    """Keeps outcomes, ten thousand at most, and passes them on twice a second. For one event loop.

    What there is no room for is counted and forgotten: handlers never wait for it.
    """

    def __init__(self, service: str, hears: Hears | None, *, clock: Clock) -> None:
        """Plan it; without somebody who ``hears`` nothing is kept."""
        self._service = service
        self._hears = hears
        self._clock = clock
        self._kept: deque[DeliveryOutcome] = deque()
        self._untold = 0

    def note(self, kind: Kind, delivery: Delivery) -> None:
        """Note how a delivery ended."""
        if self._hears is None:
            return
        # Not the delivery: it would keep its record in memory.
        outcome = outcome_of(kind, delivery) if len(self._kept) < MOST_KEPT else None
        if outcome is None:
            self._untold += 1
        else:
            self._kept.append(outcome)

    async def run(self) -> None:
        """Pass on what was noted, until cancelled."""
        while not is_ending():
            await self._clock.sleep(EVERY)
            while self._kept:
                self._pass_on()
                await asyncio.sleep(0)  # deliveries go first

    def end(self) -> None:
        """Pass on what is left, before the process ends."""
        while self._kept:
            self._pass_on()

    def _pass_on(self) -> None:
        assert self._hears is not None
        outcomes = [self._kept.popleft() for _ in range(min(len(self._kept), MOST_OUTCOMES))]
        batch = OutcomeBatch(service=self._service, outcomes=outcomes, untold=self._untold)
        self._untold = 0 if self._hears.take(encode(batch)) else self._untold + len(outcomes)

"""Probing: whom a worker turns to when it may find out whether a dependency works again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from inspect import isawaitable
from itertools import count
from typing import Final

from farandole.breaker import BreakerState, Kind
from farandole.engine.ports import Partition
from farandole.engine.thrown import ends_the_task, in_words
from farandole.engine.visitor import Visitor

Healthy = Callable[[], Awaitable[object] | object]
"""Asks a system how it is. It is away if this raises, or answers False."""

HEALTHY_WITHIN: Final = timedelta(seconds=10)
COURTESY: Final = timedelta(milliseconds=250)
"""A worker that has nobody to probe with but who failed before lets others go first: it may be poison."""
SLACK: Final = timedelta(seconds=1)
"""A lease outlasts the run by so much, so that its outcome comes before its end."""


class Probing:
    """The probes of one worker for one dependency, one at a time. They go round partitions, and keys within them."""

    def __init__(self, *, holder: str, healthy: Healthy | None) -> None:
        self.healthy = healthy
        self.under_way = False
        """Whether this worker has the lease, or waits for word of it."""
        self._leases = (f"{holder}:{number}" for number in count(1))
        self._turns = count(1)
        self._turn_of: dict[Partition, int] = {}
        self._failed_last = False

    def lease(self, waiting: Sequence[Visitor], state: BreakerState | None, now: datetime) -> str:
        """Return the name of a lease to ask for; an empty one where there is nothing to probe with, or nobody yet."""
        if self.under_way or not (waiting or self.healthy is not None):
            return ""
        if self.healthy is None and self._failed_last and all(one.failures for one in waiting):
            free_at = state.next_probe if state is not None and state.next_probe is not None else now
            if now < free_at + COURTESY:
                return ""
        return next(self._leases)

    def lasts(self, waiting: Sequence[Visitor]) -> timedelta:
        """Return how long the lease has to be."""
        if self.healthy is not None:
            return HEALTHY_WITHIN + SLACK
        return max((one.lasts for one in waiting), default=timedelta(0)) + SLACK

    def candidate(self, waiting: Sequence[Visitor]) -> Visitor | None:
        """Return whom to probe with: who failed least, of the partition whose turn it is."""
        chosen = min(waiting, key=lambda one: (one.failures, self._turn_of.get(one.partition, 0)), default=None)
        if chosen is not None:
            self._turn_of[chosen.partition] = next(self._turns)
        return chosen

    def ended(self, kind: Kind) -> None:
        """Note how a probe ended."""
        self.under_way = False
        self._failed_last = kind is Kind.FAILURE


async def health(healthy: Healthy) -> tuple[Kind, str]:
    """Ask a system how it is; return what it says, and why where that is no."""
    try:
        async with asyncio.timeout(HEALTHY_WITHIN.total_seconds()):
            said = healthy()
            answer = await said if isawaitable(said) else said
    except BaseException as error:
        if ends_the_task(error):
            raise
        return Kind.FAILURE, in_words(error)
    return (Kind.FAILURE, "it says of itself that it does not work") if answer is False else (Kind.HEALTHY, "")

"""Forecast: how far a storm is and how long it will still take, in lines on stderr."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from farandole.cli.output import say

from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.way import Way

BETWEEN_LINES: Final = timedelta(seconds=2)
SETTING_UP: Final = timedelta(seconds=10)
"""About what a fresh mesh takes to come up and to end."""


class Forecast:
    """Tells, at most every other second. ``ways`` are the runs that are to come, one after another.

    ``now`` is a clock in seconds.
    """

    def __init__(
        self,
        plan: Plan,
        ways: Sequence[Way],
        *,
        say: Callable[[str], None] = say,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._ways = ways
        self._say = say
        self._now = now
        self._began = now()
        self._told = -math.inf
        self._last = ""

    def begin(self) -> None:
        """Say what is about to happen."""
        plan = self._plan
        self.tell(
            f"{plan.orders:,} orders, an outage of {_spoken(plan.outage)}, then {plan.rate:,} calls a second;"
            f" {len(self._ways)} runs one after another, {_spoken(self.still(self._ways))} or more"
        )

    def outage(self, way: Way, *, left: timedelta, calls: int) -> None:
        """Say how the outage goes."""
        self._now_and_then(
            way, f"the gateway is out for another {_spoken(left)}; {calls:,} calls so far", left + self._drain(0)
        )

    def draining(self, way: Way, *, answered: int, dead: int) -> None:
        """Say how the orders go."""
        done = f"{answered:,} of {self._plan.orders:,} orders answered" + (f", {dead:,} dead letters" if dead else "")
        self._now_and_then(way, done, self._drain(answered + dead))

    def tell(self, line: str) -> None:
        """Write a line, with the seconds since the beginning."""
        self._say(f"{self._now() - self._began:6.1f} s  {line}")

    def still(self, ways: Sequence[Way]) -> timedelta:
        """Return how long these runs take at the least."""
        return len(ways) * (self._plan.shortest + SETTING_UP)

    def _drain(self, done: int) -> timedelta:
        return timedelta(seconds=max(0, self._plan.orders - done) / self._plan.rate)

    def _now_and_then(self, way: Way, line: str, left: timedelta) -> None:
        if line == self._last or self._now() - self._told < BETWEEN_LINES.total_seconds():
            return
        self._told, self._last = self._now(), line
        after = self._ways[self._ways.index(way) + 1 :]
        self.tell(f"{way.spoken}: {line}; {_spoken(left + self.still(after))} or more to go")


def _spoken(duration: timedelta) -> str:
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

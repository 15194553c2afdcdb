"""Settling: how long a mesh takes, after the last fault, until nobody is behind, and until nothing is left to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from farandole_sandbox.demo.draining import Backlog, Drain

_TICK = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """How many seconds it took; None where it did not come to that, and ``left`` is what it came to.

    ``caught_up``: no consumer was behind, but for retries that are not due. ``at_rest``: nothing was left at all.
    """

    caught_up: float | None
    at_rest: float | None
    left: str = ""


async def settle(drain: Drain, *, since: float, patience: timedelta, tell: Callable[[str], None]) -> Settled:
    """Wait until nothing is left to do; ``since`` is when the last fault was over, by the monotonic clock.

    Gives up when nothing has changed for as long as ``patience`` and no retry is held until it is due.
    """
    caught_up, last, changed = None, None, time.monotonic()
    while True:
        backlog = await drain.look()
        now = time.monotonic()
        if caught_up is None and is_caught_up(backlog):
            caught_up = now - since
            tell(f"nobody is behind any more, {caught_up:.1f} s after the last fault")
        if backlog.is_empty:
            return Settled(caught_up=caught_up, at_rest=now - since)
        if backlog != last:
            last, changed = backlog, now
            tell(f"left are {backlog}")
        elif now - changed > patience.total_seconds() and not backlog.held:
            return Settled(caught_up=caught_up, at_rest=None, left=str(backlog))
        await asyncio.sleep(_TICK)


def is_caught_up(backlog: Backlog) -> bool:
    """Tell whether nobody is behind, but for records that are held until they are due.

    A tier's offset stays behind the first record that is held: whatever was settled after it counts as lag.
    """
    behind = [group for group in backlog.lag if not (backlog.held and ".retry." in group)]
    return not (behind or backlog.outboxes or backlog.away)

"""Timely: an author's coroutine is waited for until its time is over, whatever it does about being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

from farandole.signals import TimedOut

T = TypeVar("T")

ENDS_WITHIN: Final = timedelta(seconds=5)
"""What a cancelled coroutine gets to tidy up before it is left to itself."""


async def in_time(
    work: Coroutine[Any, Any, T],
    *,
    name: str,
    limit: timedelta,
    ends_within: timedelta = ENDS_WITHIN,
    on_left: Callable[[], None],
) -> T:
    """Return what the work returns, also where it does so only when it is told that its time is over.

    The work is a task of its own called ``name``. One that keeps its cancellation to itself is left behind, and
    ``on_left`` is told: nobody takes its result, and what it still does is done outside every transaction.

    Raises:
        TimedOut: it took longer than ``limit``.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    try:
        finished, _ = await asyncio.wait({task}, timeout=limit.total_seconds())
    except asyncio.CancelledError:
        await _ended(task, ends_within, on_left)
        raise
    if finished:
        return task.result()
    await _ended(task, ends_within, on_left)
    if task.done() and not task.cancelled() and task.exception() is None:
        return task.result()
    raise TimedOut(f"{name} took longer than {limit}")


async def _ended(task: asyncio.Task[Any], within: timedelta, on_left: Callable[[], None]) -> None:
    task.cancel()
    _, running = await asyncio.wait({task}, timeout=within.total_seconds())
    if running:
        on_left()
        task.add_done_callback(_look)


def _look(task: asyncio.Task[Any]) -> None:
    """Take the error of a task that nobody waits for, which is logged as never retrieved otherwise."""
    if not task.cancelled():
        task.exception()

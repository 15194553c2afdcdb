"""Thrown: what an author's function threw, told apart from the end of the task that ran it."""

from __future__ import annotations

import asyncio
from typing import Final

from farandole.errors import FarandoleError

MOST_LETTERS: Final = 200


def ends_the_task(error: BaseException) -> bool:
    """Say whether an error is the end of the present task, or of the process, rather than its author's own.

    A function may await something of its own that was cancelled, and raise CancelledError although nobody cancelled
    the task that runs it.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


def telling(error: BaseException) -> BaseException:
    """Return the error, or, where it fails to say what it is, one that says so in its place."""
    try:
        str(error)
    except Exception:  # an author's `__str__` may raise anything
        return RuntimeError(f"{type(error).__name__}, whose text cannot be had").with_traceback(error.__traceback__)
    return error


def in_words(error: BaseException) -> str:
    """Return what an error says, shortly, in letters that UTF-8 can hold: what others answer may hold any."""
    told = telling(error)
    words = f"{type(told).__name__}: {told.what if isinstance(told, FarandoleError) else told}"
    return words[:MOST_LETTERS].encode("utf-8", "replace").decode()


def is_ending() -> bool:
    """Say whether the present task has been told to end, also where what it awaited kept that to itself.

    `asyncio.wait_for` of Python 3.11 returns what it has in place of a cancellation that comes at the same moment
    (python/cpython#86296), and clients of Redis and of databases stand on it. A loop that waits for the cancellation
    alone would go on for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

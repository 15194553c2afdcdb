"""Lanes: deliveries of one key run one after another, those of different keys concurrently."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Something to run in a lane, on behalf of an assignment that may end before it."""

    assignment: int
    run: Callable[[], Coroutine[Any, Any, None]]


class Lanes:
    """A lane a key; a lane exists only while it has work. For one event loop.

    Work raises nothing; if it does all the same, what waited in its lane is lost, and ``on_failure`` is told.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._lanes: dict[Hashable, deque[Work]] = {}
        self._running: dict[asyncio.Task[None], int | None] = {}
        self._abandoned: set[asyncio.Task[None]] = set()

    def put(self, lane: Hashable, work: Work) -> None:
        """Run the work after everything that was put into its lane before."""
        queue = self._lanes.get(lane)
        if queue is not None:
            queue.append(work)
            return
        self._lanes[lane] = deque((work,))
        task = asyncio.create_task(self._drain(lane))
        # A task that is cancelled before its first step never runs, and would leave a lane that nobody drains.
        self._running[task] = None
        task.add_done_callback(self._ended)

    def abandon(self, assignment: int) -> None:
        """Drop what waits for this assignment and cancel what runs for it; other work of the same lanes goes on."""
        for queue in self._lanes.values():
            kept = [work for work in queue if work.assignment != assignment]
            queue.clear()
            queue.extend(kept)
        for task, running in self._running.items():
            if running == assignment and task not in self._abandoned:
                self._abandoned.add(task)
                task.cancel()

    async def _drain(self, lane: Hashable) -> None:
        queue = self._lanes[lane]
        task = asyncio.current_task()
        assert task is not None
        try:
            while queue:
                work = queue.popleft()
                self._running[task] = work.assignment
                await self._run(task, work)
        finally:
            del self._lanes[lane]

    async def _run(self, task: asyncio.Task[None], work: Work) -> None:
        try:
            await work.run()
        except asyncio.CancelledError:
            if task not in self._abandoned:
                raise
        if task in self._abandoned:
            # Also where the work kept the cancellation to itself: it must not reach what is next in the lane.
            self._abandoned.discard(task)
            task.uncancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._abandoned.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(error)

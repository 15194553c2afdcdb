"""Lanes: deliveries of one key run one after another, those of different keys concurrently."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Something to run in a lane, on behalf of an assignment that may end before it. It weighs ``size`` bytes."""

    assignment: int
    run: Callable[[], Coroutine[Any, Any, None]]
    size: int = 0


@dataclass(kw_only=True, slots=True, eq=False)
class Hold:
    """A lane that stands still, or stood still and has not caught up yet, and what stands in it, from the first."""

    works: int
    size: int


class Lanes:
    """A lane a key; a lane exists only while it has work. For one event loop.

    Work raises nothing; if it does all the same, what waited in its lane is lost, and ``on_failure`` is told.
    Work that waits for something may hold its lane: what stands in held lanes is counted apart, in ``held``. When it
    goes on, what stands behind it is counted so until it runs, and what comes behind that until none is left: however
    much it is, one at a time of it runs.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._lanes: dict[Hashable, deque[Work]] = {}
        self._holds: dict[Hashable, Hold] = {}
        self._running: dict[asyncio.Task[None], Work | None] = {}
        self._abandoned: set[asyncio.Task[None]] = set()
        self.held = 0
        """How many works stand in held lanes, those that hold them included."""
        self.held_bytes = 0
        """What they weigh."""

    def put(self, lane: Hashable, work: Work) -> bool:
        """Run the work after everything that was put into its lane before; say whether that lane is held."""
        queue = self._lanes.get(lane)
        if queue is not None:
            queue.append(work)
            return self._count(lane, works=1, size=work.size)
        self._lanes[lane] = deque((work,))
        task = asyncio.create_task(self._drain(lane))
        # A task that is cancelled before its first step never runs, and would leave a lane that nobody drains.
        self._running[task] = None
        task.add_done_callback(self._ended)
        return False

    @contextmanager
    def hold(self, lane: Hashable) -> Generator[None]:
        """Hold a lane while the work that runs in it waits for something; called by that work."""
        task = asyncio.current_task()
        running = self._running[task] if task is not None else None
        if lane not in self._holds:
            standing = self._lanes[lane]
            self._holds[lane] = Hold(works=0, size=0)
            self._count(lane, works=len(standing), size=sum(work.size for work in standing))
        works, size = (0, 0) if running is None else (1, running.size)
        self._count(lane, works=works, size=size)
        try:
            yield
        finally:
            self._count(lane, works=-works, size=-size)
            self._end_hold_if_empty(lane)

    def abandon(self, assignment: int) -> None:
        """Drop what waits for this assignment and cancel what runs for it; other work of the same lanes goes on."""
        for lane, queue in self._lanes.items():
            dropped = [work for work in queue if work.assignment == assignment]
            if dropped:
                kept = [work for work in queue if work.assignment != assignment]
                queue.clear()
                queue.extend(kept)
                self._count(lane, works=-len(dropped), size=-sum(work.size for work in dropped))
        for task, running in self._running.items():
            if running is not None and running.assignment == assignment and task not in self._abandoned:
                self._abandoned.add(task)
                task.cancel()

    def _count(self, lane: Hashable, *, works: int, size: int) -> bool:
        hold = self._holds.get(lane)
        if hold is None:
            return False
        hold.works += works
        hold.size += size
        self.held += works
        self.held_bytes += size
        return True

    def _end_hold_if_empty(self, lane: Hashable) -> None:
        if not self._lanes[lane]:
            self._holds.pop(lane, None)

    async def _drain(self, lane: Hashable) -> None:
        queue = self._lanes[lane]
        task = asyncio.current_task()
        assert task is not None
        try:
            while queue:
                work = queue.popleft()
                self._count(lane, works=-1, size=-work.size)
                self._end_hold_if_empty(lane)
                self._running[task] = work
                await self._run(task, work)
        finally:
            self._count(lane, works=-len(queue), size=-sum(work.size for work in queue))
            self._holds.pop(lane, None)
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

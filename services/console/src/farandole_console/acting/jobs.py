"""Jobs: the long actions that this process runs, beside the pages: whoever reloads one finds them where they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from farandole.errors import FarandoleError, OperationError
from farandole.operations import Began, Course, Noted, Operation, courses

log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 20
MOST_KEPT: Final = 200


class Job:
    """One of them. ``total`` is 0 where nobody knows it. For one event loop."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.total = 0
        self.done = 0
        self.note = ""
        self.failure = ""
        self.is_over = False
        self.begun = asyncio.Event()
        """Set once the audit topic has its beginning: from then on it is told of on its own page."""

    def tell(self, more: int, note: str = "") -> None:
        """Say that so many more are done, and what is waited for."""
        self.done += more
        self.note = note

    @property
    def course(self) -> Course:
        """Return it as the audit topic will tell it, until that was read."""
        operation = self.operation
        began = Began(operation=operation.id, at=operation.at, begun=operation)
        (course,) = courses([Noted(offset=0, record=began)])
        return course


Work = Callable[[Job], Coroutine[Any, Any, None]]


class Jobs:
    """Every job of this process. For one event loop.

    What runs is cut short when the console stops; the audit topic then has a beginning without an end, and the command
    that goes on with it is shown on the job's page.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def get(self, id_: str) -> Job | None:
        """Return a job of this process; None where it is none."""
        return self._jobs.get(id_)

    async def start(self, operation: Operation, work: Work) -> Job:
        """Begin a job, and return once the audit topic has its beginning, or all of it is over.

        ``work`` sets ``begun``. What it raises before that is raised here, and nothing was done; what it raises later
        stands on the job's page. Raises OperationError where too many are under way.
        """
        if len(self._tasks) >= MOST_AT_ONCE:
            raise OperationError(
                f"{MOST_AT_ONCE} jobs of this console are under way",
                why="each holds connections of its own",
                do="wait until one is over (Jobs), or use the command",
                code="E635",
            )
        job = self._jobs[operation.id] = Job(operation)
        task = asyncio.create_task(work(job))
        self._tasks[operation.id] = task
        task.add_done_callback(lambda _: self._ended(job, task))
        begun = asyncio.create_task(job.begun.wait())
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if task.done() and not job.begun.is_set():
            self._jobs.pop(operation.id, None)
            await task
        return job

    async def settled(self) -> None:
        """Return once none runs any more."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Cut short what runs. It can be taken up again."""
        tasks = list(self._tasks.values())
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        job.is_over = True
        self._tasks.pop(job.operation.id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Of anything else only the kind: it may quote what it met.
            job.failure = str(error) if isinstance(error, FarandoleError) else type(error).__name__
            if not isinstance(error, FarandoleError):
                log.error("a job failed", operation=job.operation.id, error=job.failure)
        over = [one for one in self._jobs.values() if one.is_over]
        for one in over[: max(0, len(over) - MOST_KEPT)]:
            del self._jobs[one.operation.id]


@asynccontextmanager
async def working() -> AsyncGenerator[Jobs]:
    """Give the jobs of a console; those that still run at the end of the block are cut short."""
    jobs = Jobs()
    try:
        yield jobs
    finally:
        await jobs.close()

"""Watch: a thread that sees when the event loop stands still, says who holds it, and does something about it.

A plain function that handles an event blocks the loop while it runs. When it takes longer than its handler's timeout,
it is interrupted where it is, by a signal whose Python handler raises TimedOut in it: also out of a system call. What
no interruption helps, and whatever else blocks the loop, ends the process after a limit: others take its partitions.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from farandole.delivery import Coordinates
from farandole.errors import StuckError
from farandole.metrics import Metrics
from farandole.signals import TimedOut

log = structlog.get_logger(__name__)

TICK: Final = timedelta(milliseconds=250)
WORTH_TELLING: Final = timedelta(seconds=5)
_SIGNAL: Final = signal.SIGVTALRM
_FRAMES: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Inline:
    """A run of a plain function on the event loop."""

    handler: str
    timeout: timedelta
    coordinates: Coordinates


class Watch:
    """Watches the loop of the main thread from `start` to `stop`.

    Time is counted in the thread's own steps: a process that was stopped as a whole did not block its loop.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.running: Inline | None = None
        """The plain function that runs now; set and unset by whoever runs it."""
        self._condemned: Inline | None = None
        self._over = threading.Event()
        self._beats = 0

    def start(self, *, limit: timedelta, end: Callable[[str], object]) -> None:
        """Begin to watch the present loop; call ``end`` with a reason when it has stood still for ``limit``.

        Call it in the main thread.
        """
        signal.signal(_SIGNAL, self._interrupt)
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(loop, limit, end), name="watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _interrupt(self, _: int, __: object) -> None:
        run, self._condemned = self._condemned, None
        if run is not None and run is self.running:
            raise TimedOut(f"{run.handler} took longer than {run.timeout}, and was interrupted")

    # What follows runs in the thread.

    def _run(self, loop: asyncio.AbstractEventLoop, limit: timedelta, end: Callable[[str], object]) -> None:
        still, since, seen = timedelta(0), timedelta(0), None
        asked, told = -1, False
        while not self._over.wait(TICK.total_seconds()):
            if asked < self._beats:
                asked, still, told = self._beats, timedelta(0), False
                try:
                    loop.call_soon_threadsafe(self._beat)
                except RuntimeError:
                    return  # the loop is closed
            else:
                still += TICK
            since = since + TICK if self.running is not None and self.running is seen else timedelta(0)
            seen = self.running
            if seen is not None and since >= seen.timeout:
                self._condemn(seen)
                since -= WORTH_TELLING  # again, should it go on all the same
            if still >= limit:
                end(self._say(loop, still))
                return
            if still >= WORTH_TELLING and not told:
                told = True
                self._say(loop, still)

    def _beat(self) -> None:
        self._beats += 1

    def _condemn(self, run: Inline) -> None:
        error = StuckError(
            f"{run.handler} blocks the event loop for longer than its timeout of {run.timeout}",
            why="it is a plain function, and waits or computes",
            do="make it `async def` and await what it waits for; it is interrupted here, and tried again",
        )
        self._metrics.stuck(run.handler, "interrupted")
        log.error("a handler is stuck", coordinates=str(run.coordinates), error=str(error), stack=_stack())
        self._condemned = run
        signal.pthread_kill(_main(), _SIGNAL)

    def _say(self, loop: asyncio.AbstractEventLoop, still: timedelta) -> str:
        task = asyncio.current_task(loop)
        who = self.running.handler if self.running else task.get_name() if task else "something outside every task"
        error = StuckError(
            f"{who} has kept the event loop from running for {still.total_seconds():g} s",
            why="it waits or computes without awaiting anything; nothing else of this process goes on meanwhile",
            do="await what it waits for, or give it to asyncio.to_thread; the stack shows where it is",
            code="E331",
        )
        self._metrics.stuck(who if self.running else "", "blocked")
        log.error("the event loop stands still", error=str(error), stack=_stack())
        return str(error)


def _main() -> int:
    return threading.main_thread().ident or 0


def _stack() -> str:
    return "".join(traceback.format_stack(sys._current_frames()[_main()])[-_FRAMES:])  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented

"""Stopping: how a process that was asked to end does so: in order, within a bound, and at once when asked again."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import structlog

logger = structlog.get_logger(__name__)

ENDS_WITHIN: Final = timedelta(seconds=15)
"""What leaving the group, the last publications and closing may take after the grace, all together."""
FORCED: Final = 130
OVERDUE: Final = 70
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Hears SIGTERM and SIGINT. The first one calls what `on_asked` was given last; the second ends the process.

    The second one is heard by a thread, so that it ends also a process whose loop is blocked: where two come at once
    the kernel gives the second to a thread that has none pending, and that interrupts nothing that the main thread
    waits in. Make it in the main thread.
    """

    def __init__(self, grace: timedelta, on_asked: Callable[[], object]) -> None:
        self._grace = grace
        self._on_asked = on_asked
        self.asked = False
        """Whether the first signal has come."""

    def on_asked(self, call: Callable[[], object]) -> None:
        """Call this when the first signal comes; at once where it has come."""
        self._on_asked = call
        if self.asked:
            call()

    @contextmanager
    def listening(self) -> Generator[None]:
        """Hear the signals while the block runs in the present event loop."""
        loop = asyncio.get_running_loop()

        def hear(_: int, __: object) -> None:
            if not self.asked:
                self.asked = True
                loop.call_soon_threadsafe(self._asked)

        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        threading.Thread(target=_force_at_the_second, args=(reading,), name="second-signal", daemon=True).start()
        former = {number: signal.signal(number, hear) for number in _SIGNALS}
        woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in former.items():
                signal.signal(number, handler)
            os.close(writing)  # which ends the thread

    def _asked(self) -> None:
        logger.info("stopping: finishing what is in flight", grace=str(self._grace))
        overdue = threading.Timer(
            (self._grace + ENDS_WITHIN).total_seconds(), end_now, args=("it did not stop in time",)
        )
        overdue.daemon = True
        overdue.start()
        self._on_asked()


def _force_at_the_second(reading: int) -> None:
    """Read the numbers of the signals as they come in, and end the process at the second that asks it to stop."""
    heard = 0
    while numbers := os.read(reading, 64):
        heard += sum(number in _SIGNALS for number in numbers)
        if heard > 1:
            os.write(2, b"second signal: ending at once; what was in flight is delivered again\n")
            os._exit(FORCED)
    os.close(reading)


def end_now(why: str) -> None:
    """End the process as it stands, and say where every thread was. What was in flight is delivered again."""
    os.write(2, f"ending the process: {why}; what was in flight is delivered again\n".encode())
    faulthandler.dump_traceback(all_threads=True)
    os._exit(OVERDUE)

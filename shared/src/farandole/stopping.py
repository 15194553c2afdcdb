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

    The signals are heard by Python itself and not by the event loop, so a second one ends also a process whose loop is
    blocked. Make it in the main thread.
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
            if self.asked:
                # Not by the logger: the signal may have come while it wrote.
                os.write(2, b"second signal: ending at once; what was in flight is delivered again\n")
                os._exit(FORCED)
            self.asked = True
            loop.call_soon_threadsafe(self._asked)

        former = {number: signal.signal(number, hear) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _asked(self) -> None:
        logger.info("stopping: finishing what is in flight", grace=str(self._grace))
        overdue = threading.Timer(
            (self._grace + ENDS_WITHIN).total_seconds(), end_now, args=("it did not stop in time",)
        )
        overdue.daemon = True
        overdue.start()
        self._on_asked()


def end_now(why: str) -> None:
    """End the process as it stands, and say where every thread was. What was in flight is delivered again."""
    os.write(2, f"ending the process: {why}; what was in flight is delivered again\n".encode())
    faulthandler.dump_traceback(all_threads=True)
    os._exit(OVERDUE)

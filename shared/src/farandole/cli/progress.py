"""Progress: how far a long command is, on stderr: a bar on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from farandole.cli.output import say

TELL_EVERY: Final = 5.0
SMOOTHED: Final = 0.3
"""The weight of the newest rate in what is shown."""


class Meter:
    """Counts what is done of ``total`` (None where nobody knows), and how fast."""

    def __init__(self, total: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self.rate = 0.0
        """How many a second, lately."""
        self._now = now
        self._measured_at = now()
        self._measured = 0

    def advance(self, count: int = 1) -> None:
        """Note that ``count`` more are done."""
        self.done += count
        elapsed = self._now() - self._measured_at
        if elapsed >= 1:
            rate = (self.done - self._measured) / elapsed
            self.rate = rate if self.rate == 0 else SMOOTHED * rate + (1 - SMOOTHED) * self.rate
            self._measured_at, self._measured = self._now(), self.done

    @property
    def left(self) -> timedelta | None:
        """How long it will still take; None where nobody can tell."""
        if self.total is None or self.rate <= 0:
            return None
        return timedelta(seconds=max(0, self.total - self.done) / self.rate)

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        rate = f", {self.rate:,.0f}/s" if self.rate else ""
        left = "" if self.left is None else f", {_clock(self.left)} left"
        return f"{self.done:,}{total}{rate}{left}"


class Progress:
    """A long command's progress. Tell it what is done by `advance`, and in words where it stands by ``note``."""

    def __init__(self, title: str, meter: Meter, show: Callable[[str], None]) -> None:
        self.meter = meter
        self.note = ""
        """Why nothing moves, or anything else worth a few words."""
        self._title = title
        self._show = show

    def advance(self, count: int = 1) -> None:
        """Note that ``count`` more are done (0: only that time has passed), and show it."""
        self.meter.advance(count)
        self._show(str(self))

    def __str__(self) -> str:
        return f"{self._title}: {self.meter}{f' ({self.note})' if self.note else ''}"


@contextmanager
def progress(title: str, total: int | None) -> Generator[Progress]:
    """Show the progress of a block. Everything goes to stderr, with ``--json`` too."""
    meter = Meter(total)
    if not sys.stderr.isatty():
        told = Progress(title, meter, _every_few_seconds())
        yield told
        say(str(told))
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for rich
    from rich.progress import BarColumn, TaskID, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    with Bars(BarColumn(), TextColumn("{task.description}", markup=False), console=Console(stderr=True)) as bars:
        task: TaskID = bars.add_task(title, total=total)
        told = Progress(title, meter, lambda line: bars.update(task, completed=meter.done, description=line))
        yield told


def _every_few_seconds() -> Callable[[str], None]:
    last = [time.monotonic()]

    def show(line: str) -> None:
        if time.monotonic() - last[0] >= TELL_EVERY:
            last[0] = time.monotonic()
            say(line)

    return show


def _clock(span: timedelta) -> str:
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

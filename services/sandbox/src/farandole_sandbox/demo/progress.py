"""Progress: how far the orders are, live on a terminal, in plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from farandole.cli.output import say

from farandole_sandbox.demo.tally import Tally

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

BETWEEN_LINES: Final = timedelta(seconds=2)


class Progress:
    """Shows a tally whenever it changed; use it as a context manager. ``tell`` writes a line of its own."""

    def __init__(self, *, wanted: int) -> None:
        self._wanted = wanted
        self._bars: tuple[Bars, TaskID] | None = None
        self._began = time.monotonic()
        self._shown = ""
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bars = _bars(self._wanted)
            self._bars[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars[0].stop()

    def show(self, tally: Tally) -> None:
        """Show where the orders are, unless that was shown already or, in plain lines, a moment ago."""
        if self._bars is not None:
            bars, task = self._bars
            bars.update(task, completed=tally.completed + tally.cancelled, description=str(tally))
            return
        now = time.monotonic()
        if str(tally) != self._shown and now - self._shown_at >= BETWEEN_LINES.total_seconds():
            self._shown, self._shown_at = str(tally), now
            self.tell(str(tally))

    def tell(self, line: str) -> None:
        """Write a line, with the seconds since the beginning; on a terminal it stays above the progress."""
        line = f"{time.monotonic() - self._began:6.1f} s  {line}"
        if self._bars is not None:
            self._bars[0].console.print(line, highlight=False, markup=False)
        else:
            say(line)


def _bars(wanted: int) -> tuple[Bars, TaskID]:
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for rich
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bars = Bars(*columns, console=Console(stderr=True), redirect_stdout=False)
    return bars, bars.add_task("waiting for the mesh", total=wanted)

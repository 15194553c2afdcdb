"""How far a long step is, told to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """One report of a step: ``done`` of ``total`` units. ``total`` is None while it is unknown."""

    step: str
    done: int
    total: int | None
    unit: str = "bytes"


Report = Callable[[Progress], None]


def unheard(_: Progress) -> None:
    """Take a report and do nothing with it."""


@contextmanager
def bar() -> Generator[Report]:
    """Show reports as progress bars on stderr, one a step, for as long as the block runs."""
    from rich.console import Console  # noqa: PLC0415 - only a run that downloads pays for rich
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def show(progress: Progress) -> None:
            if progress.step not in tasks:
                tasks[progress.step] = bars.add_task(progress.step, total=progress.total)
            bars.update(tasks[progress.step], completed=progress.done, total=progress.total)

        yield show

"""What the embedded mesh tells whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What happened to a process of the mesh."""

    STARTED = "started"
    READY = "ready"
    ENDED = "ended"
    WAITING = "waiting"
    STOPPED = "stopped"
    FORCED = "forced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """News of one process: its ``name``, what happened, and the detail (address, exit code, delay)."""

    name: str
    change: Change
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.change}" + (f": {self.detail}" if self.detail else "")


Tell = Callable[[Notice], None]


def untold(_: Notice) -> None:
    """Take a notice and do nothing with it."""

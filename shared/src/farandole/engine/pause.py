"""Pause: how long the engine waits before it tries again what failed for no fault of the delivery's."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

FIRST_PAUSE: Final = timedelta(milliseconds=250)
LONGEST_PAUSE: Final = timedelta(seconds=5)


def longer(pause: timedelta) -> timedelta:
    """Return the pause that follows ``pause``: twice as long, up to the longest."""
    return min(pause * 2, LONGEST_PAUSE)

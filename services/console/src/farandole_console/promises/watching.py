"""Watching: every two seconds somebody looks whether a flow is stuck."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole_console.promises.lookout import Lookout
from farandole_console.service import service

EVERY: Final = timedelta(seconds=2)


@service.every(EVERY)
async def watch(lookout: Lookout) -> None:
    """Begin a look. It is not awaited: the transaction of a timer would keep the index from catching up meanwhile."""
    lookout.begin()

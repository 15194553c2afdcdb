"""Retention: flows that ended long ago are forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Clock, UnitOfWork

from farandole_console.index import forget
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings

EVERY: Final = timedelta(minutes=1)


@service.every(EVERY)
async def prune(work: UnitOfWork, clock: Clock, settings: ConsoleSettings) -> None:
    """Forget some flows whose latest event is older than the retention."""
    await forget(work, before=clock.now() - settings.retention, most=settings.most_pruned)

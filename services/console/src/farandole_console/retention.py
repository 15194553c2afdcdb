"""Retention: flows that ended long ago are forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Clock, UnitOfWork

from farandole_console.forgetting import forget, forget_happenings
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings

EVERY: Final = timedelta(minutes=1)
HAPPENINGS_PER_FLOW: Final = 20
"""How many more of them are forgotten in one turn."""


@service.every(EVERY)
async def prune(work: UnitOfWork, clock: Clock, settings: ConsoleSettings) -> None:
    """Forget some flows whose latest event is older than the retention, and what happened before."""
    before = clock.now() - settings.retention
    await forget(work, before=before, most=settings.most_pruned)
    await forget_happenings(work, before=before, most=settings.most_pruned * HAPPENINGS_PER_FLOW)

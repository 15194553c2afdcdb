"""Visitor: a delivery before the door of a dependency, and the permit that lets it through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farandole.engine.ports import Partition


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Permit:
    """The right to one run, which ``began`` then; ``probe`` is its lease, if it is one."""

    began: datetime
    probe: str = ""


@dataclass(kw_only=True, slots=True, eq=False)
class Visitor:
    """A delivery that needs a dependency. ``hold`` is entered where the wait may be long.

    ``failures`` is how often its runs failed for the dependency's sake, ``lasts`` how long one may take.
    """

    partition: Partition
    rerun: bool
    failures: int
    lasts: timedelta
    hold: Callable[[], AbstractContextManager[None]]
    permit: Permit | None = None
    _turned_away: bool = False
    _has_left: bool = False
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def turn_away(self) -> None:
        """Tell it that the wait may be long."""
        if not self._turned_away:
            self._turned_away = True
            self._moved.set()

    def admit(self, permit: Permit) -> None:
        """Let it through."""
        self.permit = permit
        self._moved.set()

    def give_up(self) -> None:
        """Let it wait no longer."""
        self._has_left = True
        self._moved.set()

    async def admitted(self) -> Permit | None:
        """Wait until it is let through; None where it gave up."""
        await self._moved.wait()
        if self._is_waiting:
            with self.hold():
                while self._is_waiting:
                    self._moved.clear()
                    await self._moved.wait()
        return self.permit

    @property
    def _is_waiting(self) -> bool:
        return self.permit is None and not self._has_left

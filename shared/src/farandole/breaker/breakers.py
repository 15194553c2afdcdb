"""Breakers: where the fleet keeps what it knows of its dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from farandole.breaker.state import BreakerState

T = TypeVar("T")
Change = Callable[[BreakerState | None, datetime], tuple[BreakerState, T]]
"""Given the state (None where nothing is known) and the time that the fleet shares: the next state, and an answer."""


class Breakers(Protocol):
    """The shared states of one cluster's breakers. Safe for concurrent use; every change sees the one before it."""

    async def change(self, dependency: str, change: Change[T]) -> T:
        """Change one breaker's state and return the answer. ``change`` may be called several times; the last counts.

        Raises:
            BreakersUnavailableError: the state cannot be reached; it may have been changed all the same.
        """
        ...

    async def states(self) -> Mapping[str, BreakerState]:
        """Return every breaker's state, by its dependency. Raises BreakersUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...

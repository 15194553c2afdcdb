"""Tally: how far the orders are, as the progress line shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many orders are to be placed, were accepted, and have ended in which way."""

    wanted: int
    placed: int = 0
    completed: int = 0
    cancelled: int = 0

    @property
    def open(self) -> int:
        """The orders that were accepted and have not ended."""
        return self.placed - self.completed - self.cancelled

    def __str__(self) -> str:
        return (
            f"{self.placed} of {self.wanted} orders placed, {self.completed} completed,"
            f" {self.cancelled} cancelled, {self.open} open"
        )


def difference(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Return the orders by status without those that were there before the demo began."""
    return {status: count - before.get(status, 0) for status, count in now.items()}

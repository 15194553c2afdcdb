"""Tally: what a scan saw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a scan has seen so far. It grows while the scan goes on."""

    read: int = 0
    """Records read, selected or not."""
    selected: int = 0
    undecodable: int = 0
    """Records that met all but the expression, and hold no event of which it could be asked."""
    unanswered: int = 0
    """Events that met all but the expression, and of which it could not be evaluated."""

    def add(self, other: Tally, *, selected: int) -> None:
        """Add what another scan saw, of which so many are selected in the end."""
        self.read += other.read
        self.selected += selected
        self.undecodable += other.undecodable
        self.unanswered += other.unanswered

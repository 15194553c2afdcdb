"""Standing: what became of one event, for one service. Every event has exactly one."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Standing(Enum):
    """What became of an event. The values are the words of the output."""

    DONE = "done"
    """Handled: the ledger says so, or the inbox, or, where both may have forgotten, its follow-on is there."""
    RETRYING = "retrying"
    """It failed; its next attempt waits in a retry tier or on the redelivery topic, or is about to be announced."""
    PARKED = "parked"
    """Beyond the committed offset and held back: the breaker of what its handler depends on is not closed."""
    DEAD = "dead"
    """Given up; its dead letter is open."""
    DISCARDED = "discarded"
    """Given up, and an operator has put its dead letter aside."""
    IN_FLIGHT = "in flight"
    """Claimed, beyond the committed offset: it comes back until it is settled."""
    WAITING = "waiting"
    """Beyond the committed offset and claimed by nobody yet."""
    UNPROVEN = "not provable"
    """Passed, without a trace, and what would remember it may have forgotten: a wiped ledger, a window that ended."""
    LOST = "lost"
    """Passed, without a trace, although it would have left one."""
    STRANDED = "stranded"
    """Claimed, announced or given up, passed, and nothing is there that would take it further."""
    CONTRADICTED = "done and dead"
    """Handled, although a dead letter of a higher attempt is open."""

    @property
    def is_sound(self) -> bool:
        """Whether the mesh keeps its promise for such an event."""
        return self not in UNSOUND


UNSOUND: Final = frozenset((Standing.LOST, Standing.STRANDED, Standing.CONTRADICTED))

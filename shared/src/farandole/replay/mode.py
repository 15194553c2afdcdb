"""Mode: what a replay delivers: what a service has not handled, or history for a second time."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """The values are the words of ``--mode``."""

    MISSING = "missing"
    """Only what the service has not handled, and will not be given otherwise."""
    AGAIN = "again"
    """What it has handled, in a ledger and inbox namespace of the replay's own: the handlers run again."""

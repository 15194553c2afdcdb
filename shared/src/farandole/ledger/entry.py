"""Entry: what the ledger remembers of one event for one service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from farandole.delivery import Coordinates


class State(Enum):
    """What became of the delivery that counts. The values are the bytes that Redis keeps."""

    CLAIMED = b"c"
    """A worker took it; it comes back from Kafka until it is settled."""
    RETRY = b"r"
    """It failed, and announced the next attempt before the retry record was published."""
    DEAD = b"x"
    """It failed for good, and announced the dead letter before that was published."""
    DONE = b"d"
    """Handled, its follow-ons acknowledged. Final at every attempt; the only state that expires."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The delivery that counts: the highest attempt and, within it, the first coordinates.

    In state RETRY ``attempt`` is the announced attempt, one more than that of the failed delivery, and ``coordinates``
    are those of the delivery that failed. ``digest`` is the CRC-32 of the value bytes of the delivery that counts: it
    tells a duplicate from another event under the same id.
    """

    attempt: int
    coordinates: Coordinates
    state: State
    digest: int = 0

"""Entry: one line of the log of generations: what somebody decided about one generation of one service."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What is said of a generation."""

    BEGUN = "begun"
    SWITCHED = "switched"
    SERVED = "served"
    CANCELLED = "cancelled"
    RETIRED = "retired"
    DROPPED = "dropped"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry. ``by`` is who, ``why`` his reason; ``since`` is where the history begins, None for the logs' start.

    ``served`` comes from a replica, which ``by`` then names. Whether an entry holds is for the Book to say: the log is
    read in order, and what contradicts what lies before it counts for nothing.
    """

    kind: Kind
    service: str
    generation: int
    at: datetime
    by: str = ""
    why: str = ""
    operation: str = ""
    since: datetime | None = None

    def encode(self) -> bytes:
        """Return the record's value."""
        return msgspec.json.encode(self)


def decode(value: bytes | None) -> Entry | None:
    """Read a record's value; None where it is no entry: the topic may hold what a later version wrote."""
    try:
        return msgspec.json.decode(value or b"", type=Entry)
    except msgspec.MsgspecError:
        return None

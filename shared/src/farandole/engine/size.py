"""Size: how large a follow-on may be. Checked at the source, before anything is committed or sent."""

from __future__ import annotations

from typing import Final

from farandole.engine.ports import Message
from farandole.errors import OversizeError
from farandole.store import StoredFollowOn

MOST_BYTES: Final = 1_000_000
MOST_PRIVATE_BYTES: Final = MOST_BYTES + 100_000
"""Retry records and dead letters carry the original plus what is told about its failure."""
RECORD_OVERHEAD: Final = 128
HEADER_OVERHEAD: Final = 10
BATCH_OVERHEAD: Final = 1_000


def demand_size(follow_on: StoredFollowOn) -> StoredFollowOn:
    """Return the follow-on, or raise OversizeError, with the sizes, when its topic would not take it."""
    size = RECORD_OVERHEAD + len(follow_on.value or b"") + len(follow_on.key or b"")
    size += sum(len(name) + len(value) for name, value in follow_on.headers)
    if size > MOST_BYTES:
        raise OversizeError(
            f"{follow_on.type} of {size:,} bytes is too large for {follow_on.topic}",
            why=f"a record may have {MOST_BYTES:,} bytes with its key and headers",
            do="keep the payload elsewhere and put a reference to it into the event (Claim Check)",
        )
    return follow_on


def fits_private_topic(message: Message) -> bool:
    """Say whether a private topic takes a message; a batch that a stranger compressed may hold what none does."""
    size = BATCH_OVERHEAD + RECORD_OVERHEAD + len(message.value or b"") + len(message.key or b"")
    size += sum(HEADER_OVERHEAD + len(name.encode()) + len(value) for name, value in message.headers)
    return size <= MOST_PRIVATE_BYTES

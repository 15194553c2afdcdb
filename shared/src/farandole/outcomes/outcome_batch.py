"""OutcomeBatch: what one worker tells at once, as a record of the topic of outcomes."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from farandole.outcomes.delivery_outcome import Count, DeliveryOutcome, Text

VERSION: Final = 1
MOST_OUTCOMES: Final = 200
"""How many outcomes one record tells: some thirty kilobytes."""
MOST_BYTES: Final = 1_000_000


class OutcomeBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker of ``service`` saw. ``untold`` counts those since its last batch that it had no room for.

    Fields may be added with a default, and are never taken away: readers of any version meet records of any other.
    """

    service: Text
    outcomes: Annotated[list[DeliveryOutcome], Meta(max_length=MOST_OUTCOMES)]
    untold: Count = 0
    version: Count = VERSION


_decoder: Final = msgspec.json.Decoder(OutcomeBatch)


def encode(batch: OutcomeBatch) -> bytes:
    """Return a batch as JSON."""
    return msgspec.json.encode(batch)


def decode(value: bytes | None) -> OutcomeBatch | None:
    """Read a batch; None where it is none: whoever may write to the topic may write anything."""
    if value is None or len(value) > MOST_BYTES:
        return None
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None

"""IndexedEvent: an event as the index knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedEvent:
    """One event, at the coordinates where it was first seen; ``seq`` counts in the order of indexing.

    ``time`` is the sender's word, ``appended`` the broker's. ``conflicting``: the id came again with other content.
    """

    seq: int
    source: str
    event_id: str
    type: str
    subject: str
    flow_id: str
    causation_id: str | None
    causes: str
    time: str
    appended: datetime
    topic: str
    partition: int
    offset: int
    digest: int
    conflicting: bool

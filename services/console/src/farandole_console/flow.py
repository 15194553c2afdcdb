"""Flow: everything that followed from one first event, as the index knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """One flow. ``began`` and ``latest`` are the broker's times of its first and its latest event.

    ``rooted`` says that the event which the flow is named after was seen; until then the earliest one stands for it.
    ``subject`` is the key of that event: the order, as a rule.
    """

    id: str
    subject: str
    rooted: bool
    events: int
    first_type: str
    began: datetime
    last_type: str
    latest: datetime

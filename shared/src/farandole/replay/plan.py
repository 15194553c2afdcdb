"""Plan: what a replay would do, frozen: which records of which logs, to which handlers, and what comes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from farandole.replay.counts import Counts
from farandole.replay.mode import Mode


class PlannedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log that was looked at: its offsets from ``start`` up to, and without, ``end``."""

    topic: str
    partition: int
    start: int
    end: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen plan. Its id is the operation's, and under ``again`` the replay's.

    ``spans`` and ``topics`` (their ids) are what was looked at, ``packed`` the records that are sent (see Chosen).
    ``selection`` tells people what was asked for, masked where that is personal; nothing is selected by it again.
    ``digest`` is that of the service's handlers, ``rate`` in records a second, ``made`` and ``by`` say when and who.
    """

    id: str
    service: str
    mode: Mode
    effects: bool
    cascade: bool
    with_not_provable: bool
    rate: float
    selection: dict[str, Any]
    cluster: str
    topics: dict[str, str]
    spans: tuple[PlannedSpan, ...]
    digest: str
    made: datetime
    by: str
    counts: Counts
    packed: str = ""

    @property
    def duration(self) -> timedelta:
        """How long the sending takes at the plan's rate, if nothing holds it up."""
        return timedelta(seconds=self.counts.would_run / self.rate)

    @property
    def needs_effects(self) -> bool:
        """Whether it lets handlers touch an outside system a second time; whatever was counted, as it may be forged."""
        return self.mode is Mode.AGAIN and self.effects

    def document(self) -> dict[str, Any]:
        """Return the plan as it is printed for programs."""
        return {
            "plan": self.id,
            "service": self.service,
            "mode": self.mode.value,
            "effects": self.effects,
            "cascade": self.cascade,
            "include_not_provable": self.with_not_provable,
            "made": self.made,
            "by": self.by,
            "cluster": self.cluster,
            "selection": self.selection,
            "topics": self.topics,
            "spans": self.spans,
            **self.counts.document(),
            "rate": self.rate,
            "seconds": round(self.duration.total_seconds(), 1),
        }

"""Happening: one thing that happened to an event, read from where it is written down. It holds no payload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farandole.delivery import Coordinates


class Kind(StrEnum):
    """What happened."""

    EMITTED = "emitted"
    """The event lies on its domain topic."""
    HANDLED = "handled"
    """A service is done with it; ``follow_ons`` may be none."""
    RETRY = "retry announced"
    """An attempt failed; the next one, ``attempt``, is due at ``due``."""
    DEAD = "dead letter"
    """A service gave it up after ``attempt``."""
    DROPPED = "duplicate dropped"
    """A delivery of it was recognised as a duplicate."""
    CONFLICTING = "conflicting"
    """A delivery carried its id with other content. It has an ending of its own besides."""
    SKIPPED = "skipped"
    """A replay brought it, and its handler does not run in replays."""
    REDRIVEN = "redriven"
    """An operator sent the dead letter again, as ``attempt``."""
    REPLAYED = "replayed"
    """An operator delivered it again out of history."""
    DISCARDED = "discarded"
    """An operator put its dead letters aside, up to ``attempt``."""
    REOPENED = "reopened"
    """An operator took that back."""
    EDITED = "edited"
    """An operator changed the payload of its dead letter; the letter that counts is this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One thing that happened to one event.

    ``service`` is the one that emitted it (`Kind.EMITTED`) or the one that it happened at. ``event_id`` with ``source``
    is the event, ``flow_id`` and ``causation_id`` are what its envelope claims: untrusted. ``at`` is the broker's time
    of the record that tells it, at ``coordinates``; where one record tells several things, ``ordinal`` counts them.
    ``origin`` is where the event lies on its domain topic. ``error_class`` and ``message`` say why an attempt failed;
    the message is one line without personal values. ``operation`` is that of the operator who did it, ``replay_id``
    the replay under whose key it was handled. ``times`` is how often it happened, for what is told in sums.
    """

    kind: Kind
    service: str
    source: str
    event_id: str
    type: str
    subject: str
    flow_id: str
    at: datetime
    coordinates: Coordinates
    origin: Coordinates
    causation_id: str | None = None
    causes: tuple[str, ...] = ()
    time: str = ""
    ordinal: int = 0
    attempt: int = 0
    round_start: int = 0
    due: datetime | None = None
    handler: str = ""
    error_class: str = ""
    message: str = ""
    operation: str = ""
    replay_id: str = ""
    digest: int = 0
    follow_ons: int = 0
    times: int = 1

    @property
    def key(self) -> tuple[str, int, int, int]:
        """What makes it this happening and no other: reading its record again yields the same."""
        lies = self.coordinates
        return lies.topic, lies.partition, lies.offset, self.ordinal

    @property
    def event(self) -> tuple[str, str]:
        """Which event it happened to."""
        return self.source, self.event_id

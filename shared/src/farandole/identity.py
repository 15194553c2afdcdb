"""Deterministic event ids: whoever does the same work twice arrives at the same ids, so others drop the second.

All are uuid5 over length-safe joined parts (RFC 9562, section 5.5).
"""

from __future__ import annotations

import uuid
from typing import Final

from farandole.delivery import Coordinates

NAMESPACE: Final = uuid.UUID("6f1d1c1e-4f5a-5b0e-9a53-8d1f0e7c0f2a")
_SEPARATOR: Final = "\x1f"


def derived_id(*parts: str) -> str:
    """Return the id that these parts, in this order, always have."""
    return str(uuid.uuid5(NAMESPACE, _SEPARATOR.join(parts)))


def follow_on_id(*, cause: str, service: str, event_type: str, ordinal: int) -> str:
    """Return the id of the ``ordinal``-th follow-on of its type that ``service`` answers to the event ``cause``."""
    return derived_id("follow-on", cause, service, event_type, str(ordinal))


def join_id(*, join: str, service: str, event_type: str, ordinal: int) -> str:
    """Return the id of a join's follow-on: whichever half arrives last, it is the same."""
    return derived_id("join", join, service, event_type, str(ordinal))


def replayed_id(event_id: str, *, replay_id: str) -> str:
    """Return the id that an event has where a replay with a cascade emits it: new to everybody downstream, once."""
    return derived_id("replay", replay_id, event_id)


def bare_record_id(*, cluster: str, coordinates: Coordinates) -> str:
    """Return the id of an event that came without an envelope: where it lies, on a topic that was not recreated."""
    topic = coordinates.topic_id or coordinates.topic
    return derived_id("record", cluster, topic, str(coordinates.partition), str(coordinates.offset))


def webhook_id(*, source: str, sender_id: str) -> str:
    """Return the id of the event that a webhook becomes: a webhook sent twice is one event."""
    return derived_id("webhook", source, sender_id)

"""InboxEntry: what a service's database remembers of a handled event, and the follow-ons that it stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from farandole.headers import Headers

State = Literal["handled", "skipped", "tombstone"]
REPLAY_SEPARATOR: Final = "\x1f"
"""In no event id that is believed, so no event is taken for another one in a replay."""


def inbox_id(event_id: str, replay_id: str = "") -> str:
    """Return the id under which the inbox knows an event, or what an ``again`` replay made of it."""
    return f"{event_id}{REPLAY_SEPARATOR}{replay_id}" if replay_id else event_id


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFollowOn:
    """A follow-on as it goes on the wire, kept so that a re-run publishes the very same bytes under the same id."""

    event_id: str
    type: str
    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxEntry:
    """One row of the inbox.

    ``state`` is ``handled`` (the event's effects are committed; publish ``follow_ons``), ``skipped`` (a replay asked
    for no run of its handler; it is settled all the same) or ``tombstone`` (the event was given up at ``attempt``; only
    a higher attempt may handle it). ``event_id`` is that of `inbox_id`. ``digest`` tells another event that came under
    the same id; only a handled one has it. ``handled_at`` is UTC.
    """

    source: str
    event_id: str
    attempt: int
    state: State
    digest: bytes | None
    follow_ons: tuple[StoredFollowOn, ...]
    handled_at: datetime


class AlreadyHandled(Exception):  # noqa: N818 - a hit is good news: the event is handled, nothing failed
    """The event is in the inbox: skip the handler and publish the follow-ons of ``entry``."""

    def __init__(self, entry: InboxEntry) -> None:
        super().__init__(f"{entry.event_id} of {entry.source} was handled at {entry.handled_at.isoformat()}")
        self.entry = entry


class Tombstoned(Exception):  # noqa: N818 - the verdict of a peer, not a fault of this delivery
    """The event was given up at this attempt or a higher one: this delivery was lost, drop it without a word."""

    def __init__(self, entry: InboxEntry) -> None:
        super().__init__(f"{entry.event_id} of {entry.source} was given up at attempt {entry.attempt}")
        self.entry = entry


Packed = tuple[str, str, str, bytes | None, Headers, bytes | None]
_packer: Final = msgspec.msgpack.Encoder()
_unpacker: Final = msgspec.msgpack.Decoder(tuple[Packed, ...])
_header_unpacker: Final = msgspec.msgpack.Decoder(Headers)


def pack(follow_ons: Sequence[StoredFollowOn]) -> bytes | None:
    """Encode follow-ons for the inbox row; none of them take no bytes at all."""
    if not follow_ons:
        return None
    return _packer.encode([(one.event_id, one.type, one.topic, one.key, one.headers, one.value) for one in follow_ons])


def unpack(packed: bytes | None) -> tuple[StoredFollowOn, ...]:
    """Decode what ``pack`` encoded, byte for byte and in the same order."""
    if packed is None:
        return ()
    return tuple(
        StoredFollowOn(event_id=event_id, type=type_, topic=topic, key=key, headers=headers, value=value)
        for event_id, type_, topic, key, headers, value in _unpacker.decode(packed)
    )


def pack_headers(headers: Headers) -> bytes:
    """Encode record headers, in their order."""
    return _packer.encode(headers)


def unpack_headers(packed: bytes) -> Headers:
    """Decode what ``pack_headers`` encoded."""
    return _header_unpacker.decode(packed)

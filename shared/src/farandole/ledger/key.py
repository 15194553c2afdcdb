"""The ledger's key of an event: 16 bytes, whatever the id's length."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

KEY_BYTES: Final = 16


def event_key(source: str, event_id: str, replay_id: str = "") -> bytes:
    """Return the 16 bytes under which ledger and inbox know an event.

    Two sources may use the same id without meeting, so the source is part of the key. An ``again`` replay handles an
    event a second time on purpose: its ``replay_id`` makes another key. Parts are joined with their lengths, so no
    choice of source and id imitates another.
    """
    parts = (source.encode(), event_id.encode(), replay_id.encode())
    digest = blake2b(digest_size=KEY_BYTES, person=b"farandole-event")
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()

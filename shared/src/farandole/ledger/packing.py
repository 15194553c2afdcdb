"""Packing: settles, claims and entries as the fixed-size records that the script reads (see ``exchange.lua``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final

from farandole.delivery import Coordinates
from farandole.ledger.claim import Claim, Verdict
from farandole.ledger.entry import Entry, State
from farandole.ledger.ledger import Answers
from farandole.ledger.settle import Settle

TopicName = tuple[str, str]
"""A topic's name and its id: a recreated topic is another topic."""

_CLAIM: Final = Struct(">16sI8sIQI")
_SETTLE: Final = Struct(">16sI8sIQcII")
_ENTRY: Final = Struct(">cI8sIQI")
_VERDICTS: Final = {verdict.value[0]: verdict for verdict in Verdict}
_YES: Final = ord("1")


def topic_digest(name: TopicName) -> bytes:
    """Return the 8 bytes that stand for a topic in packed coordinates."""
    return blake2b("\0".join(name).encode(), digest_size=8).digest()


class Packer:
    """Packs records, and remembers the digests of the topics it has met. Not thread-safe."""

    def __init__(self) -> None:
        self._digests: dict[TopicName, bytes] = {}

    def claims(self, claims: Sequence[Claim]) -> bytes:
        """Pack claims."""
        pack, topic = _CLAIM.pack, self.topic
        return b"".join(
            [
                pack(c.key, c.attempt, topic(c.coordinates), c.coordinates.partition, c.coordinates.offset, c.digest)
                for c in claims
            ]
        )

    def settles(self, settles: Sequence[Settle]) -> bytes:
        """Pack settles: the delivery that is settled, and what is not the same in its outcome."""
        return b"".join(
            [
                _SETTLE.pack(
                    s.key,
                    s.attempt,
                    self.topic(s.coordinates),
                    s.coordinates.partition,
                    s.coordinates.offset,
                    s.state.value,
                    s.attempt + (s.state is State.RETRY),
                    s.digest,
                )
                for s in settles
            ]
        )

    def topic(self, coordinates: Coordinates) -> bytes:
        """Return the digest of the coordinates' topic."""
        name = (coordinates.topic, coordinates.topic_id)
        digest = self._digests.get(name)
        if digest is None:
            digest = self._digests[name] = topic_digest(name)
        return digest

    @property
    def topics(self) -> Mapping[TopicName, bytes]:
        """Every topic met so far, with its digest."""
        return self._digests


def unpack_answers(reply: bytes, *, settles: int) -> Answers:
    """Read the script's reply to this many settles and to claims."""
    claimed, conflicting = reply[settles::2], reply[settles + 1 :: 2]
    return Answers(
        settled=tuple([byte == _YES for byte in reply[:settles]]),
        claimed=tuple([_VERDICTS[byte] for byte in claimed]),
        conflicting=tuple([byte == _YES for byte in conflicting]),
    )


def unpack_entry(packed: bytes, topics: Mapping[bytes, TopicName]) -> Entry:
    """Read an entry; a topic whose name was lost is named by its digest."""
    state, attempt, topic, partition, offset, digest = _ENTRY.unpack(packed)
    name, topic_id = topics.get(topic, (topic.hex(), ""))
    coordinates = Coordinates(topic=name, partition=partition, offset=offset, topic_id=topic_id)
    return Entry(attempt=attempt, coordinates=coordinates, state=State(state), digest=digest)

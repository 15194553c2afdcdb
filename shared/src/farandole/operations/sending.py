"""Sending: a record that an operation gives a service again, and the message that it is on the redelivery topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from farandole import headers as names
from farandole.dead_letters import operation_headers, written
from farandole.delivery import Coordinates, Record, Replay, is_operation_id
from farandole.engine.ports import Message
from farandole.engine.size import MOST_PRIVATE_BYTES, fits_private_topic
from farandole.envelope import Envelope
from farandole.errors import OversizeError
from farandole.headers import Headers

MOST_DIGITS: Final = 18
"""More than any offset of ours has, and no more than fit into eight bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """A record that is delivered to one service again.

    ``record`` gives its key, its bytes and its foreign headers; ``envelope`` is the one under which the service knew
    it. ``origin`` is where the event lies on its domain topic, or, where a dead letter does not tell, where that lies:
    no two sendings of an operation have the same, unless they are of different replays. ``attempt`` counts for the
    ledger (PROTOCOL 6), and backoff counts from it. ``replay`` is there where the event is to be handled again under
    the replay's own key.
    """

    record: Record
    envelope: Envelope
    origin: Coordinates
    attempt: int = 0
    first_failed: Coordinates | None = None
    replay: Replay | None = None

    def message(self, *, topic: str, partitions: int, operation: str) -> Message:
        """Return the record of the redelivery topic. Raises OversizeError where no private topic takes it.

        Events of one key go to one partition, and so do those without a key that were in one partition: in the order in
        which they are sent.
        """
        message = self._message(topic, partitions, operation)
        if not fits_private_topic(message):
            raise OversizeError(
                f"{self.envelope.type or 'the record'} at {self.origin} is too large for {topic}",
                why=f"a private topic takes {MOST_PRIVATE_BYTES:,} bytes, with all headers",
                do="leave it out",
            )
        return message

    def fits(self, operation: str) -> bool:
        """Say whether a private topic takes it from an operation of this id."""
        return fits_private_topic(self._message("", 1, operation))

    def _message(self, topic: str, partitions: int, operation: str) -> Message:
        lane = self.record.key or f"{self.origin.topic}|{self.origin.partition}".encode()
        return Message(
            topic=topic,
            key=self.record.key,
            value=self.record.value,
            headers=(
                *self.envelope.headers(),
                *names.foreign(self.record.headers),
                *self._own(),
                *operation_headers(operation, self.replay),
            ),
            partition=crc32(lane) % partitions,
        )

    def _own(self) -> Headers:
        own = [
            (names.ATTEMPT, str(self.attempt)),
            (names.ROUND, str(self.attempt)),
            (names.ORIGIN, written(self.origin)),
        ]
        if self.first_failed is not None:
            own.append((names.FIRST_FAILED, written(self.first_failed)))
        return tuple((name, text.encode()) for name, text in own)


def origin_of(headers: Headers) -> Coordinates | None:
    """Return the origin that a record of a redelivery topic tells; None where it tells none."""
    text = dict(headers).get(names.ORIGIN, b"").decode("utf-8", "replace")
    topic, *numbers = text.rsplit("|", 2)
    if len(numbers) != 2 or not all(one.isascii() and one.isdigit() and len(one) <= MOST_DIGITS for one in numbers):
        return None
    return Coordinates(topic=topic, partition=int(numbers[0]), offset=int(numbers[1]))


def replay_id_of(headers: Headers) -> str:
    """Return the id of the replay that a record of a redelivery topic tells; empty where it tells none."""
    text = dict(headers).get(names.REPLAY, b"").decode("utf-8", "replace")
    return text if is_operation_id(text) else ""

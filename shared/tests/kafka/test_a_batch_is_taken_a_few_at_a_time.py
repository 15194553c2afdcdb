"""What the client returns is large in memory until it is let go of, so a batch is taken from it a few at a time.

A client of the test's own stands for Kafka's: it has messages of one weight without end, and knows how many of them are
alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from confluent_kafka import Consumer, Message
from farandole.delivery import Coordinates, Record
from farandole.kafka.batch import AT_ONCE, MOST_BYTES, Batch

MEGABYTE = 1024 * 1024


class Fetched:
    """A message that is counted for as long as it is alive."""

    alive = 0
    most_alive = 0

    def __init__(self) -> None:
        Fetched.alive += 1
        Fetched.most_alive = max(Fetched.alive, Fetched.most_alive)

    def __del__(self) -> None:
        Fetched.alive -= 1


class Client:
    """A consumer that has so many messages."""

    def __init__(self, messages: int) -> None:
        self._left = messages

    def poll(self, _: float) -> Fetched | None:
        return next(iter(self.consume(1, 0)), None)

    def consume(self, most: int, _: float) -> Sequence[Fetched]:
        count = min(most, self._left)
        self._left -= count
        return [Fetched() for _ in range(count)]


def filled(messages: int, *, weight: int, most: int = 500) -> tuple[Batch, bool]:
    """Fill a batch; a message that is taken becomes a record of that weight."""
    Fetched.alive = Fetched.most_alive = 0
    batch, value = Batch(most=most), bytes(weight)

    def record(message: Message) -> Record:
        assert isinstance(message, Fetched)
        place = Coordinates(topic="t", partition=0, offset=0)
        return Record(coordinates=place, key=None, value=value, headers=(), appended=datetime.now(UTC))

    came = batch.fill(cast("Consumer", Client(messages)), within=timedelta(0), record=record)
    return batch, came


def test_few_messages_are_alive_at_once() -> None:
    batch, _ = filled(400, weight=10)
    assert len(batch.records) == 400
    assert Fetched.most_alive <= AT_ONCE


def test_no_more_are_taken_than_a_batch_may_have() -> None:
    batch, _ = filled(1_000, weight=10)
    assert len(batch.records) == 500


def test_a_batch_that_weighs_enough_ends() -> None:
    batch, _ = filled(1_000, weight=MEGABYTE)
    assert sum(record.weight for record in batch.records) < MOST_BYTES + AT_ONCE * MEGABYTE


def test_headers_and_key_weigh_as_well() -> None:
    place = Coordinates(topic="t", partition=0, offset=0)
    record = Record(
        coordinates=place, key=b"k" * 5, value=b"v" * 7, headers=(("a", b"12"), ("b", b"")), appended=datetime.now(UTC)
    )
    assert record.weight == 5 + 7 + 2 + 200


def test_it_says_whether_anything_came() -> None:
    assert filled(0, weight=1)[1] is False
    assert filled(1, weight=1)[1] is True

"""Batch: the records of one poll, taken from the client a few at a time.

The client parses the headers of whatever it returns, to eight times their bytes, and builds a list of them, to another
twenty times, which lives as long as its message does. So few messages are asked for at once, each is let go of as soon
as it is a record, and a batch ends when it weighs enough.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from confluent_kafka import Consumer, Message

from farandole.delivery import Record

AT_ONCE: Final = 16
"""A call costs so little that five hundred at once are no faster."""
MOST_BYTES: Final = 4 * 1024 * 1024
PREFETCH: Final = {
    # The client would fetch on up to a hundred thousand messages or 16 MB, and counts the bytes of values only: those
    # of keys and headers come on top. Below so few it fetches on; the worker has a batch in its hands meanwhile.
    "queued.min.messages": AT_ONCE,
    "fetch.queue.backoff.ms": 20,
    "fetch.max.bytes": 16 * 1024 * 1024,
    "queued.max.messages.kbytes": 16 * 1024,
}
"""What a consumer fetches ahead: less than ``AT_ONCE`` messages and one fetch."""


class Batch:
    """Records, at most ``most`` messages or ``MOST_BYTES``, and what was asked for at once. For one thread."""

    def __init__(self, *, most: int) -> None:
        self.records: list[Record] = []
        self._left = most
        self._weight = 0

    def fill(self, consumer: Consumer, *, within: timedelta, record: Callable[[Message], Record | None]) -> bool:
        """Wait for a message and take what else is there; ``record`` makes a record of each, or None.

        Returns whether any message came in time.
        """
        first = consumer.poll(within.total_seconds())
        messages = [] if first is None else [first]
        came, first = first is not None, None
        while messages:
            self._take(messages, record)
            messages = [] if self._is_full else consumer.consume(min(AT_ONCE, self._left), 0)
        return came

    def _take(self, messages: list[Message], record: Callable[[Message], Record | None]) -> None:
        self._left -= len(messages)
        messages.reverse()
        while messages:
            made = record(messages.pop())
            if made is not None:
                self.records.append(made)
                self._weight += made.weight

    @property
    def _is_full(self) -> bool:
        return self._left <= 0 or self._weight >= MOST_BYTES

"""Following: a thread that reads the log of generations on and on, and tells the event loop of each new book."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from datetime import timedelta
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from farandole.errors import BrokerUnavailableError
from farandole.generations.book import Book
from farandole.generations.entry import decode
from farandole.generations.log import TOPIC, is_there
from farandole.kafka.connection import Connection

log = structlog.get_logger(__name__)

AGAIN: Final = timedelta(seconds=1)
POLL: Final = timedelta(milliseconds=200)


class Following:
    """Follows the log for one service. Its methods belong to one event loop."""

    def __init__(self, connection: Connection, *, service: str) -> None:
        self._connection = connection
        self._book = Book(service=service)
        self._known: Book | None = None
        self._changed = asyncio.Event()
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"generations of {service}", daemon=True)

    @property
    def book(self) -> Book | None:
        """The book as last heard; None until the log was read to its end once."""
        return self._known

    def start(self) -> None:
        """Begin to read; brokers that are away, or have no such topic yet, are asked again."""
        self._thread.start()

    async def changed(self, within: timedelta | None = None) -> None:
        """Return once the book has changed since the last call, or after ``within``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), None if within is None else within.total_seconds())
        self._changed.clear()

    async def close(self) -> None:
        """Read no more."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 2 * AGAIN.total_seconds())

    # What follows runs in the thread.

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if is_there(self._connection):
                    self._read_on()
                elif self._known is None:
                    # Not later: a broker that has just started may not know its topics yet.
                    self._tell()
            except (KafkaException, BrokerUnavailableError) as error:
                log.warning("the log of generations cannot be read, and is tried again", reason=str(error.args[0]))
            self._stop.wait(AGAIN.total_seconds())

    def _read_on(self) -> None:
        """Read from the beginning until stopped. A book that is read again is the same, so nothing is told twice."""
        self._book = Book(service=self._book.service)
        consumer = Consumer(
            self._connection.properties()
            | {
                "group.id": "farandole-outsider",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            consumer.assign([TopicPartition(TOPIC, 0, 0)])
            is_read = False
            while not self._stop.is_set():
                message = consumer.poll(POLL.total_seconds())
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    entry = decode(message.value())
                    if entry is not None and entry.service == self._book.service:
                        self._book = self._book.after(entry)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - that is its public name
                    is_read = True
                else:
                    raise KafkaException(error)
                if is_read:
                    self._tell()
        finally:
            consumer.close()

    def _tell(self) -> None:
        book = self._book
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._heard, book)

    def _heard(self, book: Book) -> None:
        if book != self._known:
            self._known = book
            self._changed.set()

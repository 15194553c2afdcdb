"""GenerationLog: the topic of which every replica reads which generation of its store is the current one.

One partition that is never cut, a few hundred bytes a rebuild. Readers need no group, and no more than to read it;
replicas also write that they have switched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from farandole.engine.ports import Message, Partition, Publisher
from farandole.errors import BrokerUnavailableError
from farandole.generations.book import Book, read_book
from farandole.generations.entry import Entry, decode
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.topics import GENERATIONS, Topic, create

TOPIC: Final = GENERATIONS
PARTITION: Final = Partition(topic=TOPIC, number=0)
_WITHIN: Final = timedelta(seconds=15)


def topic() -> Topic:
    """Return the topic as the mesh wants it."""
    config = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    return Topic(name=TOPIC, partitions=1, config={**config, "message.timestamp.type": "LogAppendTime"})


class GenerationLog:
    """The log, for a command or a replica. Not thread-safe; every method raises BrokerUnavailableError."""

    def __init__(self, connection: Connection, publisher: Publisher) -> None:
        self._connection = connection
        self._publisher = publisher

    async def ensure(self) -> None:
        """Make the topic unless it is there."""
        await create(self._connection, [topic()])

    async def append(self, entry: Entry) -> None:
        """Write an entry, and return when it is acknowledged. Whether it holds, `book` tells."""
        key = entry.service.encode()
        await self._publisher.publish([Message(topic=TOPIC, key=key, value=entry.encode(), headers=())])

    async def entries(self, service: str) -> Sequence[Entry]:
        """Return every entry about a service so far, in order; none where there is no such topic yet."""
        found = await asyncio.to_thread(_read, self._connection)
        return [one for one in found if one.service == service]

    async def book(self, service: str) -> Book:
        """Return the book of a service as it is now."""
        return read_book(service, await self.entries(service))


def is_there(connection: Connection) -> bool:
    """Return whether the brokers have the topic. Blocks; raises BrokerUnavailableError."""
    try:
        found = AdminClient(connection.properties()).list_topics(timeout=_WITHIN.total_seconds())
    except KafkaException as error:
        raise BrokerUnavailableError(
            f"the brokers do not answer: {error.args[0]}",
            why="Kafka is away, or the address or the credentials are wrong",
            do="farandole doctor",
        ) from error
    return TOPIC in found.topics


def _read(connection: Connection) -> Sequence[Entry]:
    if not is_there(connection):
        return []
    reader = LogReader(connection)
    start, end = reader.starts([PARTITION])[PARTITION], reader.ends([PARTITION])[PARTITION]
    batches: Iterable[Iterable[Entry | None]] = (
        map(decode, (record.value for record in batch))
        for batch in reader.records({PARTITION: Span(start=start, end=end)})
    )
    return [one for batch in batches for one in batch if one is not None]

"""Topics: those that analytics needs before it may start, and the one that it makes for itself."""

from __future__ import annotations

import asyncio
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.topics import Topic, create
from farandole_events.orders import OrderPlaced

TABLE: Final = "minutes"
ORDERS: Final = OrderPlaced.avro.topic
_WITHIN: Final = 30.0


def changelog_of(name: str) -> str:
    """Return the name of the table's log, as Faust names it, of the application ``name``."""
    return f"{name}-{TABLE}-changelog"


def changelog(name: str, *, partitions: int) -> Topic:
    """Return the table's log: compacted, and with as many partitions as the orders have, or Faust does not start."""
    config = {
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
        "min.cleanable.dirty.ratio": "0.2",
        "segment.ms": str(60 * 60 * 1000),
    }
    return Topic(name=changelog_of(name), partitions=partitions, config=config)


async def prepare(connection: Connection, name: str) -> int:
    """Make the changelog unless it is there, and return the partition count.

    Raises BrokerUnavailableError while the brokers are away or have no orders topic yet: Faust would ignore a missing
    one for ever.
    """
    partitions = await _partitions(connection)
    await create(connection, [changelog(name, partitions=partitions)])
    return partitions


async def remove(connection: Connection, name: str) -> None:
    """Delete the changelog; harmless where there is none. Raises BrokerUnavailableError."""
    client = AdminClient(connection.properties())
    asked = client.delete_topics([changelog_of(name)], request_timeout=_WITHIN)
    try:
        await asyncio.to_thread(asked[changelog_of(name)].result, _WITHIN)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise BrokerUnavailableError(
                f"{changelog_of(name)} cannot be deleted: {error.args[0]}",
                why="Kafka is away, or these credentials may not delete topics",
                do="farandole doctor",
            ) from error


async def _partitions(connection: Connection) -> int:
    client = AdminClient(connection.properties())
    try:
        metadata = await asyncio.to_thread(client.list_topics, timeout=_WITHIN)
    except KafkaException as error:
        raise BrokerUnavailableError(
            f"the brokers do not answer: {error.args[0]}",
            why="Kafka is away, or the address or the credentials are wrong",
            do="farandole doctor",
        ) from error
    if ORDERS not in metadata.topics:
        raise BrokerUnavailableError(
            f"there is no topic {ORDERS}", why="the topics of the mesh are not made yet", do="farandole topics apply"
        )
    return len(metadata.topics[ORDERS].partitions)

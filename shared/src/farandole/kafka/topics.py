"""Topics: what a mesh needs on its brokers, planned against what is there, and created."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from farandole.engine.size import MOST_BYTES, MOST_PRIVATE_BYTES
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.private_topics import PrivateTopics

WITHIN: Final = 30.0
AUDIT: Final = "_farandole.audit"
OUTCOMES: Final = "_farandole.outcomes"
SERVICES: Final = "_farandole.services"
GENERATIONS: Final = "_farandole.generations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A topic as the mesh wants it. The retention of private topics must exceed the longest retry chain."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def domain_topic(name: str, *, partitions: int) -> Topic:
    """Return a domain topic; its events are kept for thirty days, for replay."""
    return Topic(name=name, partitions=partitions, config=_config(MOST_BYTES + 1_000, timedelta(days=30)))


def private_topics(topics: PrivateTopics, *, partitions: int) -> list[Topic]:
    """Return a service's private topics: retries and redeliveries are kept a fortnight, dead letters ninety days."""
    heard = _config(MOST_PRIVATE_BYTES, timedelta(days=14))
    dead = _config(MOST_PRIVATE_BYTES, timedelta(days=90))
    return [
        *(Topic(name=name, partitions=partitions, config=heard) for name in topics.heard),
        Topic(name=topics.dead_letters, partitions=partitions, config=dead),
    ]


def audit_topic() -> Topic:
    """Return the topic that keeps what operators did to the mesh: for ever, and in one order."""
    kept_for_ever = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
    return Topic(name=AUDIT, partitions=1, config=_config(MOST_BYTES + 1_000, timedelta(0)) | kept_for_ever)


def outcome_topic() -> Topic:
    """Return the topic on which workers tell what leaves no record behind: for a day, as it is only looked at."""
    return Topic(name=OUTCOMES, partitions=1, config=_config(MOST_BYTES + 1_000, timedelta(days=1)))


def service_topic() -> Topic:
    """Return the topic on which services announce themselves: the last word of each is kept."""
    config = _config(MOST_BYTES + 1_000, timedelta(days=30)) | {"cleanup.policy": "compact"}
    return Topic(name=SERVICES, partitions=1, config={k: v for k, v in config.items() if k != "retention.ms"})


async def missing(connection: Connection, wanted: Iterable[Topic]) -> list[Topic]:
    """Return the wanted topics that the brokers do not have. Raises BrokerUnavailableError."""
    metadata = await asyncio.to_thread(_metadata, connection)
    return [topic for topic in wanted if topic.name not in metadata.topics]


async def create(connection: Connection, topics: Sequence[Topic], *, replication: int = 1) -> None:
    """Create topics; one that is there already is left as it is. Raises BrokerUnavailableError."""
    if not topics:
        return
    client = AdminClient(connection.properties())
    wanted = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=replication, config=dict(topic.config))
        for topic in topics
    ]
    try:
        for created in client.create_topics(wanted, request_timeout=WITHIN).values():
            await asyncio.to_thread(_result, created)
    except KafkaException as error:
        raise _away(error) from error


async def cluster_id(connection: Connection) -> str:
    """Ask the brokers for the cluster's id. Raises BrokerUnavailableError."""
    metadata = await asyncio.to_thread(_metadata, connection)
    return str(metadata.cluster_id)


def _metadata(connection: Connection) -> Any:
    """Ask for every topic. What the client complains of meanwhile (a wrong password, no route) is what is told."""
    complaints: list[str] = []

    def complain(error: KafkaError) -> None:
        complaints.append(error.str())

    properties: dict[str, Any] = {**connection.properties(), "error_cb": complain}
    client = AdminClient(properties)
    try:
        return client.list_topics(timeout=WITHIN)
    except KafkaException as error:
        client.poll(0)
        raise _away(error, complaints) from error


def _result(created: object) -> None:
    try:
        created.result(WITHIN)  # type: ignore[attr-defined]
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _config(most_bytes: int, retention: timedelta) -> dict[str, str]:
    return {
        "max.message.bytes": str(most_bytes),
        # Else that bounds a batch as it was compressed, and a client unpacks whatever it fetches.
        "compression.type": "uncompressed",
        "retention.ms": str(round(retention / timedelta(milliseconds=1))),
        "message.timestamp.type": "LogAppendTime",
    }


def _away(error: KafkaException, complaints: Sequence[str] = ()) -> BrokerUnavailableError:
    # The last one says only that all brokers are down; why is in the one before.
    why = next((one for one in reversed(complaints) if ": " in one), "")
    return BrokerUnavailableError(
        f"the brokers do not answer: {error.args[0]}",
        why=why or "Kafka is away, or the address or the credentials are wrong",
        do="farandole doctor",
    )

"""A topic bounds a batch as it was compressed; one that stores batches uncompressed bounds what they unpack to.

A client unpacks all that it fetches before anybody can look at it, so a few kilobytes may be the end of a worker. The
topics of a mesh keep such batches out; docs/adr/0013 tells what that costs.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, Message, Producer
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.private_topics import PrivateTopics
from farandole.testing.backend import Backend

FIVE_MEGABYTES = b"\0" * 5_000_000
HALF_A_MEGABYTE = b"\0" * 500_000


def refusals(backend: Backend, topic: str, values: Sequence[bytes]) -> list[int | None]:
    """Produce values, compressed well, one a batch; return the code of each refusal, None for what was taken."""
    producer = Producer(
        {"bootstrap.servers": backend.bootstrap, "compression.type": "zstd", "message.max.bytes": 50_000_000}
    )
    told: list[int | None] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        told.append(error.code() if error else None)

    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
        assert producer.flush(30) == 0
    return told


@pytest.mark.mesh
async def test_five_megabytes_in_five_kilobytes_are_refused_and_what_is_compressed_honestly_is_taken(
    backend: Backend,
) -> None:
    name = f"bomb-{uuid.uuid4().hex[:8]}"
    topics = [domain_topic(name, partitions=1), *private_topics(PrivateTopics(service=name, tiers=1), partitions=1)]
    await create(Connection(bootstrap=backend.bootstrap, client_id="test"), topics)
    told = {topic.name: refusals(backend, topic.name, [FIVE_MEGABYTES, HALF_A_MEGABYTE]) for topic in topics}
    assert told == {topic.name: [KafkaError.MSG_SIZE_TOO_LARGE, None] for topic in topics}


@pytest.mark.mesh
async def test_a_topic_with_the_brokers_own_setting_takes_them(backend: Backend) -> None:
    ours = domain_topic(f"bomb-{uuid.uuid4().hex[:8]}", partitions=1)
    lenient = replace(ours, config={**ours.config, "compression.type": "producer"})
    await create(Connection(bootstrap=backend.bootstrap, client_id="test"), [lenient])
    assert refusals(backend, lenient.name, [FIVE_MEGABYTES]) == [None]

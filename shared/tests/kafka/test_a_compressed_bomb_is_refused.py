"""A topic bounds a batch as it was compressed; one that stores batches uncompressed bounds what they unpack to.

A client unpacks all that it fetches before anybody can look at it, so a few kilobytes may be the end of a worker.
docs/explanation/bad-input.md names the topic's setting that keeps them out.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, Message, Producer
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from farandole.testing.backend import Backend

FIVE_MEGABYTES = b"\0" * 5_000_000


def refusals(backend: Backend, topic: str, values: Sequence[bytes]) -> list[int | None]:
    """Produce values, compressed well, one a batch; return the code of each refusal, None for what was taken."""
    producer = Producer(
        {"bootstrap.servers": backend.bootstrap, "compression.type": "gzip", "message.max.bytes": 50_000_000}
    )
    told: list[int | None] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        told.append(error.code() if error else None)

    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
        assert producer.flush(30) == 0
    return told


@pytest.mark.mesh
async def test_five_megabytes_in_five_kilobytes_are_refused_where_batches_are_stored_uncompressed(
    backend: Backend,
) -> None:
    plain = domain_topic(f"bomb-{uuid.uuid4().hex[:8]}", partitions=1)
    strict = replace(plain, name=f"{plain.name}-strict", config={**plain.config, "compression.type": "uncompressed"})
    await create(Connection(bootstrap=backend.bootstrap, client_id="test"), [plain, strict])
    assert refusals(backend, plain.name, [FIVE_MEGABYTES]) == [None]
    assert refusals(backend, strict.name, [FIVE_MEGABYTES, b"small"]) == [KafkaError.MSG_SIZE_TOO_LARGE, None]

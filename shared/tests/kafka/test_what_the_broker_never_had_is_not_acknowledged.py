"""A message counts as acknowledged when the broker says at which offset it is, and not before.

On a slow broker a topic's partitions come into being one by one, after clients have heard of them. A producer's first
batch for such a partition is refused as unknown; a second one, already on its way, may arrive just after the partition
does. A broker that knows nothing of a producer takes whatever number it begins with, so it takes the second without the
first, and the client concludes that the first must have been taken as well and reports it delivered: without an offset.
An order that a relay forgets on such a report is lost: it happened, to the first order of a demo.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from farandole.engine.ports import Message
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic

sys.path.insert(0, str(Path(__file__).parent))

from late_partition import LatePartition


def values_in(bootstrap: str, topic: str) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": str(uuid.uuid4())})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(end, 10)]
    finally:
        consumer.close()


def message(topic: str, value: bytes) -> Message:
    return Message(topic=topic, key=b"k", value=value, headers=())


async def test_a_batch_that_a_later_one_overtook_is_published_again_by_whoever_sent_it(backend) -> None:
    topic = f"late-{uuid.uuid4()}"
    direct = Connection(bootstrap=backend.bootstrap, client_id="late")
    await create(direct, [domain_topic(topic, partitions=1)])
    async with asyncio.timeout(60), LatePartition(backend.bootstrap, topic) as proxy:
        publisher = KafkaPublisher(Connection(bootstrap=proxy.bootstrap, client_id="late"))
        first = asyncio.create_task(publisher.publish([message(topic, b"first")]))
        await proxy.holds.wait()
        await publisher.publish([message(topic, b"second")])
        with pytest.raises(BrokerUnavailableError):
            await first
        assert values_in(backend.bootstrap, topic) == [b"second"]
        await publisher.publish([message(topic, b"first")])
        await publisher.close()
    assert values_in(backend.bootstrap, topic) == [b"second", b"first"]

"""What happens between the consumer's thread and the event loop, on a real Kafka.

The thread polls and rebalances while the loop may be busy with something else for seconds. Nothing that was fetched
for the present assignment may get lost between the two, and nothing that a stranger wrote may end the thread.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import confluent_kafka
import pytest
import pytest_asyncio
from confluent_kafka import Producer
from farandole.delivery import Record
from farandole.engine.ports import Message
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.source import KafkaSource
from farandole.kafka.topics import create, domain_topic
from farandole.metrics import Metrics
from farandole.testing.backend import Backend


@pytest.fixture
def topic() -> str:
    return f"thread-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def connection(backend: Backend) -> Connection:
    return Connection(bootstrap=backend.bootstrap, client_id="test")


@pytest_asyncio.fixture
async def publisher(connection: Connection) -> AsyncIterator[KafkaPublisher]:
    one = KafkaPublisher(connection)
    yield one
    await one.close()


@pytest_asyncio.fixture
async def source(connection: Connection, topic: str) -> AsyncIterator[KafkaSource]:
    await create(connection, [domain_topic(topic, partitions=1)])
    one = KafkaSource(connection, group=topic, topics=[topic], metrics=Metrics("test"))
    await one.start(lambda _: None)
    yield one
    await one.close()


async def fetched(source: KafkaSource, count: int) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await source.fetch()
    return found


async def test_what_was_fetched_after_a_rejoin_is_handed_out_also_when_the_loop_was_busy(
    source: KafkaSource, publisher: KafkaPublisher, topic: str
) -> None:
    await publisher.publish([Message(topic=topic, key=b"k", value=b"v", headers=())])
    await fetched(source, 1)
    rejoining = asyncio.ensure_future(source.rejoin())
    await asyncio.sleep(0)
    deadline = time.monotonic() + 15
    while not _handed_over(source) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: ASYNC251 - the loop is busy
    await rejoining
    (again,) = await fetched(source, 1)
    assert again.coordinates.offset == 0


def _handed_over(source: KafkaSource) -> bool:
    """Say whether the thread has handed something over that the busy loop did not come to take."""
    assert source._handover is not None
    assert source._member is not None
    return not source._handover.is_empty() and not source._member.rejoins


async def test_a_header_whose_name_is_no_text_does_not_end_the_thread(
    source: KafkaSource, publisher: KafkaPublisher, connection: Connection, topic: str
) -> None:
    honest = Message(topic=topic, key=b"k", value=b"honest", headers=(("ce_id", b"1"),))
    # Python calls a C function that it called often without looking whether it left an error behind.
    for _ in range(3):
        await publisher.publish([honest] * 50)
        _publish_with_header_name(connection, topic, b"\xff\xfe")
    await publisher.publish([honest])
    found = await fetched(source, 154)
    assert [one.headers for one in found if one.value == b"strange"] == [()] * 3
    assert [one.headers for one in found if one.value == b"honest"] == [honest.headers] * 151


def _publish_with_header_name(connection: Connection, topic: str, name: bytes) -> None:
    """Publish as a client of another language may: the Python client writes no name that is not UTF-8."""
    (path,) = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka*")
    lib = ctypes.CDLL(str(path))
    producer = Producer(connection.properties())
    handle = ctypes.c_void_p.from_address(id(producer) + object.__basicsize__)
    lib.rd_kafka_headers_new.restype = lib.rd_kafka_topic_new.restype = ctypes.c_void_p
    headers = ctypes.c_void_p(lib.rd_kafka_headers_new(ctypes.c_size_t(1)))
    size = ctypes.c_ssize_t
    lib.rd_kafka_header_add(headers, name, size(len(name)), b"x", size(1))
    topic_tag, value_tag, headers_tag, end = 1, 4, 10, 0
    value = b"strange"
    failed = lib.rd_kafka_producev(
        handle, topic_tag, topic.encode(), value_tag, value, ctypes.c_size_t(len(value)), headers_tag, headers, end
    )
    assert failed == 0
    assert producer.flush(10) == 0

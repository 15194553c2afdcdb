"""An idempotent producer can fail for good: a fenced epoch, a sequence out of order. It takes nothing more after that.

Whoever waits for a report of it must hear that none comes, and what is published next must reach the brokers all the
same: the publisher makes another producer. librdkafka's own mock cluster stands in for the brokers, and its own test
hook raises the error.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from farandole.engine.ports import Message
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher

FENCED = 47
ONE = Message(topic="t", key=b"k", value=b"v", headers=())


class MockCluster(Connection):
    """Brokers within librdkafka."""

    def properties(self) -> dict[str, Any]:
        return super().properties() | {"test.mock.num.brokers": 1, "allow.auto.create.topics": True}


@asynccontextmanager
async def a_publisher() -> AsyncIterator[KafkaPublisher]:
    publisher = KafkaPublisher(MockCluster(bootstrap="", client_id="test"))
    try:
        yield publisher
    finally:
        await publisher.close()


def fail_for_good(publisher: KafkaPublisher) -> None:
    (path,) = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka*")
    raise_fatal = ctypes.CDLL(str(path)).rd_kafka_test_fatal_error
    raise_fatal.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    handle = ctypes.c_void_p.from_address(id(publisher._producer) + object.__basicsize__)  # its first field
    raise_fatal(handle, FENCED, b"fenced")


@contextmanager
def slow_brokers(publisher: KafkaPublisher) -> Iterator[None]:
    publisher._properties["linger.ms"] = 5_000
    publisher._producer = confluent_kafka.Producer(publisher._properties)
    yield
    publisher._properties["linger.ms"] = 1


async def test_what_is_published_afterwards_arrives() -> None:
    async with asyncio.timeout(20), a_publisher() as publisher:
        await publisher.publish([ONE])
        fail_for_good(publisher)
        while True:
            try:
                await publisher.publish([ONE])
            except BrokerUnavailableError:
                await asyncio.sleep(0.01)
            else:
                break


async def test_who_waits_for_a_report_hears_that_none_comes() -> None:
    async with asyncio.timeout(20), a_publisher() as publisher:
        with slow_brokers(publisher):
            waiting = asyncio.ensure_future(publisher.publish([ONE]))
            await asyncio.sleep(0)
            fail_for_good(publisher)
            with pytest.raises(BrokerUnavailableError):
                await waiting

"""A service as its own process that is asked to end while it works: what is in hand is finished, then others go on.

The first SIGTERM drains: the delivery in flight is handled, its follow-on published, its offset committed, the group
left, and the process ends with 0 within a bound, whatever its handlers do. A second signal ends it
at once with 130, also while its event loop is blocked.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from confluent_kafka import Consumer, KafkaException, TopicPartition
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.private_topics import PrivateTopics
from farandole.testing.backend import Backend
from farandole_events import OrderCancelled
from world import message

WITHIN = 60
PARTITIONS = 2
TIERS = 5
DRAIN = 2.0


class Stopped:
    """A service that handles OrderCancelled in a process of its own, in one of several ways."""

    def __init__(self, backend: Backend, folder: Path, *, drain: float) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.name = f"stopped-{uuid.uuid4().hex[:6]}"
        self._backend = backend
        self._folder = folder
        self._drain = drain

    async def start(self, how: str) -> None:
        self._connection = Connection(bootstrap=self._backend.bootstrap, client_id="test")
        topic = OrderCancelled.avro.topic
        private = private_topics(PrivateTopics(service=self.name, tiers=TIERS), partitions=1)
        await create(self._connection, [domain_topic(topic, partitions=PARTITIONS), *private])
        await asyncio.to_thread(self._begin_at_the_end, topic)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("stopped_service.py")),
            self.name,
            how,
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "FARANDOLE_BROKERS": self._backend.bootstrap,
                "FARANDOLE_REDIS_URL": self._backend.redis_url,
                "FARANDOLE_CLUSTER": self._backend.cluster_id,
                "FARANDOLE_DATABASE_URL": f"sqlite:///{self._folder / 'store.db'}",
                "FARANDOLE_HTTP_PORT": "0",
                "FARANDOLE_DRAIN": str(self._drain),
            },
        )

    def _begin_at_the_end(self, topic: str) -> None:
        """Commit what other tests left in the topic, as if it were handled."""
        consumer = Consumer({"bootstrap.servers": self._backend.bootstrap, "group.id": self.name})
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        for one in partitions:
            one.offset = _end(consumer, one)
        consumer.commit(offsets=partitions, asynchronous=False)
        consumer.close()

    async def said(self, word: str) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN):
            while word.encode() not in await self._process.stdout.readline():
                pass

    async def send(self) -> None:
        publisher = KafkaPublisher(self._connection)
        event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
        await publisher.publish([message(event)])
        await publisher.close()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(WITHIN):
            return await self._process.wait()

    def committed(self) -> int:
        consumer = Consumer({"bootstrap.servers": self._backend.bootstrap, "group.id": self.name})
        try:
            asked = [TopicPartition(OrderCancelled.avro.topic, number) for number in range(PARTITIONS)]
            return sum(max(0, one.offset) for one in consumer.committed(asked, timeout=10))
        finally:
            consumer.close()

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def _end(consumer: Consumer, one: TopicPartition) -> int:
    """Return the end of a partition, once it has a leader."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            return int(consumer.get_watermark_offsets(one, timeout=10)[1])
        except KafkaException:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest_asyncio.fixture
async def stopped(backend: Backend, tmp_path: Path) -> AsyncIterator[Stopped]:
    one = Stopped(backend, tmp_path, drain=DRAIN)
    yield one
    await one.kill()


async def busy(stopped: Stopped, how: str) -> int:
    """Start it, give it an event, and return what is committed while it handles that."""
    await stopped.start(how)
    await stopped.send()
    await stopped.said("handling")
    return stopped.committed()


async def test_what_is_in_hand_is_finished_and_committed(stopped: Stopped) -> None:
    before = await busy(stopped, "until-told")
    stopped.signal(signal.SIGTERM)
    await stopped.said("handled")
    assert await stopped.ended() == 0
    assert stopped.committed() > before


async def test_a_handler_that_hangs_is_given_up_within_the_bound(stopped: Stopped) -> None:
    before = await busy(stopped, "hangs")
    began = time.monotonic()
    stopped.signal(signal.SIGTERM)
    assert await stopped.ended() == 0
    assert time.monotonic() - began < DRAIN + 15
    assert stopped.committed() == before


async def test_a_handler_that_is_deaf_to_its_cancellation_does_not_keep_the_process(stopped: Stopped) -> None:
    await busy(stopped, "deaf")
    stopped.signal(signal.SIGTERM)
    assert await stopped.ended() == 70


async def test_a_second_signal_ends_it_at_once(stopped: Stopped) -> None:
    await busy(stopped, "hangs")
    stopped.signal(signal.SIGTERM)
    stopped.signal(signal.SIGINT)
    assert await stopped.ended() == 130


async def test_a_second_signal_ends_it_also_while_its_loop_is_blocked(stopped: Stopped) -> None:
    await busy(stopped, "blocks")
    stopped.signal(signal.SIGTERM)
    stopped.signal(signal.SIGINT)
    assert await stopped.ended() == 130

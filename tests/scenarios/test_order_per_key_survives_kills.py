"""The order of a key is kept while everything that could break it is killed, wiped, or taken over.

Two replicas of a service with ``order="key"`` handle thirty keys whose events come in all the while and fail often.
Replicas are killed and started again, so partitions move with events held back in the dead replica's memory; Redis is
wiped and killed; the broker is killed. In the end each key's events have been handled in the order in which they were
sent, all of them, as the service's own table says and as the follow-ons say to whoever drops duplicates by id.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.engine.runtime import private_topics_of
from farandole.envelope import Envelope
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.schema import Catalogue
from farandole.testing.backend import Backend
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parent))
from mischief import LONG
from ordered_service import Counted, Noted, plain, stored

PARTITIONS = 4
KEYS = 30
EACH = 40
WITHIN = 150


class Mesh:
    """Two replicas and what happens to them."""

    def __init__(self, backend: Backend, folder: Path, *, store: bool) -> None:
        self._backend = backend
        self._folder = folder
        self._store = store
        self._replicas: dict[int, subprocess.Popen[bytes]] = {}
        self._connection = Connection(bootstrap=backend.bootstrap, client_id="scenario")
        self._starts: Counter[int] = Counter()

    async def begin(self) -> None:
        domain = [domain_topic(event.avro.topic, partitions=PARTITIONS) for event in (Counted, Noted)]
        own = private_topics(private_topics_of(stored() if self._store else plain()), partitions=1)
        await create(self._connection, [*domain, *own])
        for number in (0, 1):
            self.start(number)

    def start(self, number: int) -> None:
        environment = {
            **os.environ,
            "FARANDOLE_BROKERS": self._backend.bootstrap,
            "FARANDOLE_REDIS_URL": self._backend.redis_url,
            "FARANDOLE_DATABASE_URL": f"sqlite:///{self._folder / 'ordered.db'}",
            "FARANDOLE_HTTP_PORT": "0",
            "ORDERED_STORE": "yes" if self._store else "no",
        }
        self._starts[number] += 1
        script = Path(__file__).parent / "ordered_service.py"
        with (self._folder / f"replica-{number}.log").open("ab") as log:
            self._replicas[number] = subprocess.Popen(
                [sys.executable, script], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self, number: int) -> None:
        self._replicas[number].kill()
        self._replicas[number].wait(10)

    async def started(self, number: int) -> None:
        """Wait until a replica, at its latest start, has everything that it needs."""
        log, starts = self._folder / f"replica-{number}.log", self._starts[number]
        await self.until("it starts", lambda: log.read_text().count('"event": "started"') == starts)

    def stop(self, number: int) -> None:
        self._replicas[number].terminate()
        assert self._replicas[number].wait(30) == 0

    async def send(self) -> None:
        """Send everything, a round of all keys at a time, as fast as the rest of the scenario lets it."""
        publisher, codec = KafkaPublisher(self._connection), Codec(Catalogue([Counted.avro]))
        for number in range(EACH):
            messages = [_message(codec, Counted(thing=f"thing-{key}", number=number)) for key in range(KEYS)]
            for (
                message
            ) in messages:  # a round is one batch; the same again after a failure is a duplicate, which is fine
                await _insist(publisher, message)
            await asyncio.sleep(0.25)  # the load is spread over the mischief; nothing waits for it
        await publisher.close()

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not await asyncio.to_thread(condition):
                assert all(one.poll() is None for one in self._replicas.values()), f"a replica ended, before {what}"
                await asyncio.sleep(0.2)

    def noted(self) -> dict[str, list[int]]:
        """What was noted of each thing, in order, as a reader who drops duplicates by id sees it."""
        codec = Codec(Catalogue([Noted.avro]))
        seen, found = set(), defaultdict(list)
        for headers, value in _read(self._backend.bootstrap, Noted.avro.topic):
            if headers["ce_id"] not in seen:
                seen.add(headers["ce_id"])
                event = codec.decode(value, Noted)
                found[event.thing].append(event.number)
        return found

    def effects(self) -> dict[str, list[int]]:
        """What stands in the service's own table, in order."""
        found = defaultdict(list)
        with sqlite3.connect(self._folder / "ordered.db") as database:
            for thing, number in database.execute("select thing, number from effects order by n"):
                found[thing].append(number)
        return found

    def end(self) -> None:
        for replica in self._replicas.values():
            if replica.poll() is None:
                replica.kill()
                replica.wait(10)


@pytest.mark.timeout(WITHIN * 2)
@pytest.mark.parametrize("store", [True, pytest.param(False, marks=LONG)], ids=["with a database", "without one"])
async def test_the_order_of_each_key_is_kept(own_backend: Backend, tmp_path: Path, store: bool) -> None:
    mesh = Mesh(own_backend, tmp_path, store=store)
    expected = {f"thing-{key}": list(range(EACH)) for key in range(KEYS)}
    try:
        await mesh.begin()
        sending = asyncio.create_task(mesh.send())
        await mesh.until("the first answers", lambda: len(mesh.noted()) == KEYS)
        mesh.kill(0)
        mesh.start(0)
        async with Redis.from_url(own_backend.redis_url) as redis:
            await redis.flushall()
        done = sum(map(len, mesh.noted().values()))
        await mesh.until("work after the wipe", lambda: sum(map(len, mesh.noted().values())) > done + KEYS)
        mesh.kill(1)
        await own_backend.redis.kill()
        mesh.start(1)
        await own_backend.redis.start()
        await own_backend.broker.kill()
        await own_backend.broker.start()
        await mesh.started(0)
        mesh.stop(0)
        mesh.start(0)
        await sending
        await mesh.until("all is noted", lambda: sum(map(len, mesh.noted().values())) == KEYS * EACH)
        assert mesh.noted() == expected
        if store:
            assert mesh.effects() == expected
    finally:
        mesh.end()


async def _insist(publisher: KafkaPublisher, message: Message) -> None:
    while True:
        try:
            await publisher.publish([message])
        except Exception:  # whatever the broker's death looks like: the same event goes out again
            await asyncio.sleep(0.1)
        else:
            return


def _message(codec: Codec, event: Counted) -> Message:
    event_id = f"{event.thing}-{event.number}"
    envelope = Envelope(
        id=event_id,
        type=event.avro.fullname,
        source="scenario",
        subject=event.key,
        time="2026-01-01T00:00:00Z",
        correlation_id=event_id,
    )
    value = codec.encode(event)
    return Message(topic=event.avro.topic, key=event.key.encode(), value=value, headers=envelope.headers())


def _read(bootstrap: str, topic: str) -> list[tuple[dict[str, str], bytes]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "outsider", "enable.auto.commit": False})
    try:
        parts = [TopicPartition(topic, n) for n in range(PARTITIONS)]
        ends = {one.partition: _end(consumer, one) for one in parts}
        consumer.assign([TopicPartition(topic, one.partition, 0) for one in parts])
        found = []
        while len(found) < sum(ends.values()):
            found += [one for one in consumer.consume(1000, 1.0) if one.error() is None]
        return [({name: value.decode() for name, value in one.headers()}, one.value()) for one in found]
    finally:
        consumer.close()


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Return a partition's end; who leads it may be unknown for a moment after a start."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)

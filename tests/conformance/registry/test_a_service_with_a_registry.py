"""A service process with a registry by its settings alone, on a real Kafka and Redis, the registry behind a proxy.

Another service writes versions of an event that this one was not built with. The first is read; then the line to the
registry is cut, and the next is waited for: no dead letter, no retry, the process stays a member of its group, and goes
on by itself when the line is whole again.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.contracts.lock import read_lock
from farandole.contracts.register import id_map, register
from farandole.engine.ports import Message
from farandole.engine.runtime import private_topics_of
from farandole.envelope import Envelope, rfc3339
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.local.child import Child, Command
from farandole.local.ports import free
from farandole.registry import Registry, connect
from farandole.testing.backend import Backend
from farandole.testing.fake_registry import FakeRegistry
from farandole.testing.tcp_fault import CUT, HEALTHY
from farandole.testing.tcp_proxy import TcpProxy
from farandole_events import CATALOGUE, OrderCancelled
from registry_service import service

pytestmark = pytest.mark.timeout(300)

LOCK = Path(__file__).resolve().parents[3] / "schemas" / "ids.lock"
PROGRAM = Path(__file__).with_name("registry_service.py")
WITHIN = 60.0


async def newer(there: Registry, *extra: str) -> int:
    """Register a version with more fields, as another service's deployment would, and return its id."""
    fields = [{"name": name, "type": "string", "default": ""} for name in extra]
    schema = {**OrderCancelled.avro.avsc, "fields": [*OrderCancelled.avro.avsc["fields"], *fields]}
    return await there.register(OrderCancelled.avro.fullname, schema)


def written(schema_id: int, order: str, *, extra: int) -> Message:
    event = OrderCancelled(order_id=order, customer_id="c-1", reason="late", cause="customer")
    envelope = Envelope(
        id=order,
        type=event.avro.fullname,
        source="test",
        subject=order,
        time=rfc3339(SystemClock().now()),
        correlation_id=order,
    )
    value = b"\0" + schema_id.to_bytes(4, "big") + Codec(CATALOGUE).encode(event)[5:] + b"\x02x" * extra
    return Message(topic="orders", key=order.encode(), value=value, headers=envelope.headers())


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.05)


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


def length(backend: Backend, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": backend.bootstrap, "group.id": "outsider"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1])
    finally:
        consumer.close()


async def test_it_reads_what_only_the_registry_knows_and_waits_for_it_while_it_is_away(
    own_backend: Backend, tmp_path: Path
) -> None:
    heard, log, ids = tmp_path / "heard", tmp_path / "service.log", tmp_path / "registry-ids.json"
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    private = private_topics_of(service)
    await create(connection, [domain_topic("orders", partitions=1), *private_topics(private, partitions=1)])
    outside = KafkaPublisher(connection)
    with FakeRegistry() as fake:
        async with TcpProxy(to=fake.port) as proxy, connect(fake.url) as there:
            id_map(await register(read_lock(LOCK.read_text("utf-8")), there)).write(ids)
            second, third = await newer(there, "mood"), await newer(there, "mood", "weather")
            environment = {
                **os.environ,
                "HEARD": str(heard),
                "FARANDOLE_BROKERS": own_backend.bootstrap,
                "FARANDOLE_REDIS_URL": own_backend.redis_url,
                "FARANDOLE_HTTP_PORT": str(free()[0]),
                "FARANDOLE_REGISTRY_URL": f"http://127.0.0.1:{proxy.port}",
                "FARANDOLE_REGISTRY_IDS": str(ids),
            }
            argv = (sys.executable, str(PROGRAM))
            process = Child(Command(argv=argv, log=log, cwd=tmp_path, env=environment))
            try:
                await outside.publish([written(second, "o-1", extra=1)])
                await until(lambda: lines(heard) == ["o-1 late"])
                await proxy.suffer(CUT)
                await outside.publish([written(third, "o-2", extra=2), written(second, "o-3", extra=1)])
                await until(lambda: any("the schema registry does not answer" in line for line in lines(log)))
                assert process.running
                await proxy.suffer(HEALTHY)
                await until(lambda: sorted(lines(heard)) == ["o-1 late", "o-2 late", "o-3 late"])
                assert length(own_backend, private.dead_letters) == length(own_backend, private.retry(1)) == 0
                assert await process.stop() == 0
            finally:
                await process.kill()
                await outside.close()

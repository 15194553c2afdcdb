"""The worker as it runs: Faust on a real Kafka, killed in the middle.

Orders are sent, some of them twice. While they are being counted the worker is killed with SIGKILL and started again:
its table comes back from the changelog, records that were not committed come again. The figures have to be those of
adding up each order once. The minute is then told to the mesh, and the worker ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from analytics_orders import order
from analytics_worker import running
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from farandole import Codec, Envelope, catalogues
from farandole.engine.ports import Message
from farandole.envelope import rfc3339
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic
from farandole_events.orders import OrderPlaced
from farandole_events.sales import SalesPerMinute

COUNT = 1_500
COUNTRIES = ("France", "Chad", "Peru")
PARTITIONS = 4
Figures = tuple[int, int, int]


def placed(number: int) -> OrderPlaced:
    chance = random.Random(number)
    lines = tuple((product, chance.randint(1, 9), chance.randint(100, 999)) for product in chance.sample("abcdef", 3))
    return order(number, country=COUNTRIES[number % 3], lines=lines)


def sent(codec: Codec, event: OrderPlaced, moment: datetime) -> Message:
    event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, event.order_id))
    envelope = Envelope(
        id=event_id,
        type=event.avro.fullname,
        source="orders",
        subject=event.key,
        time=rfc3339(moment),
        correlation_id=event_id,
    )
    return Message(topic="orders", key=event.key.encode(), value=codec.encode(event), headers=envelope.headers())


def brute_force(orders: Iterable[OrderPlaced]) -> dict[tuple[str | None, str | None], Figures]:
    """Add the orders up by (product, country), in the most obvious way."""
    count, units, cents = Counter(), Counter(), Counter()
    for one in orders:
        for key in ((None, None), (None, one.ship_to.country)):
            count[key] += 1
            units[key] += sum(line.quantity for line in one.lines)
            cents[key] += one.total_cents
        for line in one.lines:
            count[line.product_id, None] += 1
            units[line.product_id, None] += line.quantity
            cents[line.product_id, None] += line.total_cents
    return {key: (count[key], units[key], cents[key]) for key in count}


async def caught_up(bootstrap: str, *, within: float = 60) -> None:
    """Wait until every order is committed: analytics commits what is durable in its table, and nothing else."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    deadline = time.monotonic() + within
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "nobody"})
    ends = {n: consumer.get_watermark_offsets(TopicPartition("orders", n))[1] for n in range(PARTITIONS)}
    consumer.close()
    committed: dict[int, int] = {}
    while time.monotonic() < deadline:
        asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions("analytics")])
        offsets = (await asyncio.to_thread(asked["analytics"].result)).topic_partitions
        committed = {one.partition: one.offset for one in offsets if one.topic == "orders"}
        if committed == ends:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"committed {committed} of {ends}")


def told(bootstrap: str, codec: Codec) -> dict[tuple[str | None, str | None], Figures]:
    """Read the sales topic to its end, and return the last word on each product and country."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    parts = [TopicPartition("sales", number, 0) for number in range(PARTITIONS)]
    left = sum(consumer.get_watermark_offsets(part)[1] for part in parts)
    consumer.assign(parts)
    latest: dict[tuple[str | None, str | None], Figures] = {}
    while left:
        record = consumer.poll(10)
        assert record is not None, f"{left} records do not come"
        event = codec.decode(record.value(), SalesPerMinute)
        latest[event.product_id, event.country] = (event.orders, event.units, event.revenue_cents)
        left -= 1
    consumer.close()
    return latest


@pytest.mark.mesh
@pytest.mark.slow
async def test_a_worker_killed_in_the_middle_counts_each_order_once(own_backend, tmp_path) -> None:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [domain_topic(name, partitions=PARTITIONS) for name in ("orders", "sales")])
    (catalogue,) = catalogues.discover()
    codec = Codec(catalogue)
    publisher = KafkaPublisher(connection)
    moment = datetime.now(UTC) - timedelta(minutes=3)
    orders = [placed(number) for number in range(COUNT)]
    messages = [sent(codec, one, moment) for one in orders]

    async with running(own_backend, tmp_path) as worker:
        await publisher.publish([one for one in messages for _ in range(2)])
        before = await worker.until(lambda status: status["totals"]["handled"] > COUNT // 4)
        await worker.kill()
        assert before["totals"]["handled"] < COUNT, "it was killed too late to show anything"

    async with running(own_backend, tmp_path) as worker:
        await publisher.publish(messages[: COUNT // 2])
        await caught_up(own_backend.bootstrap)
        await worker.until(lambda status: status["counting"])
        expected = brute_force(orders)
        shown = {
            (line.get("product_id"), line.get("country")): (line["orders"], line["units"], line["revenue_cents"])
            for by in ("total", "product", "country")
            for line in await worker.sales(by)
        }
        assert shown == expected
        await worker.until(lambda status: status["totals"]["told"] >= len(expected))
        assert await worker.end() < 10
        assert worker.process.returncode == 0
    await publisher.close()
    assert told(own_backend.bootstrap, codec) == expected

"""The embedded Kafka is a real one: what it acknowledged is there after a crash, at the same address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from farandole.errors import LocalMeshError
from farandole.local import broker as broker_module
from farandole.local import kafka_settings
from farandole.local.broker import Broker

pytestmark = pytest.mark.mesh


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    started = Broker(tmp_path / "broker")
    await started.start()
    yield started
    await started.stop()


def create(broker: Broker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for made in admin.create_topics([NewTopic(topic, 2, 1)]).values():
        made.result(20)


def produce(broker: Broker, topic: str, values: list[bytes]) -> list[bytes]:
    """Produce every value; return those that the broker acknowledged."""
    acknowledged: list[bytes] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, message: error or acknowledged.append(message.value()))
    producer.flush(20)
    return acknowledged


def consume(broker: Broker, topic: str, count: int) -> list[bytes]:
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    try:
        return [message.value() for message in consumer.consume(count, 20)]
    finally:
        consumer.close()


async def test_acknowledged_records_survive_kill_9_at_the_same_address(broker: Broker) -> None:
    create(broker, "orders")
    sent = produce(broker, "orders", [b"%d" % number for number in range(200)])
    assert len(sent) == 200
    before = broker.bootstrap, broker.cluster_id, broker.pid

    await broker.kill()
    assert not broker.running
    await broker.start()

    assert (broker.bootstrap, broker.cluster_id) == before[:2]
    assert broker.pid != before[2]
    assert sorted(consume(broker, "orders", 200)) == sorted(sent)


async def test_another_broker_object_on_the_same_home_finds_data_and_port(broker: Broker, tmp_path: Path) -> None:
    create(broker, "orders")
    sent = produce(broker, "orders", [b"one", b"two"])
    await broker.stop()

    again = Broker(tmp_path / "broker")
    await again.start()
    try:
        assert again.bootstrap == broker.bootstrap
        assert again.cluster_id == broker.cluster_id
        assert sorted(consume(again, "orders", 2)) == sorted(sent)
    finally:
        await again.stop()


async def test_the_broker_listens_on_the_loopback_only_and_creates_no_topic_by_itself(broker: Broker) -> None:
    told = (broker.home / "server.properties").read_text()
    assert f"listeners=CLIENT://127.0.0.1:{broker.port},CONTROLLER://127.0.0.1:" in told
    with pytest.raises(KafkaException):
        produce_to_nowhere(broker)


def produce_to_nowhere(broker: Broker) -> None:
    failures: list[KafkaException] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "topic.metadata.propagation.max.ms": 100})
    producer.produce(
        "nobody-made-me", b"x", on_delivery=lambda error, _: error and failures.append(KafkaException(error))
    )
    producer.flush(20)
    for failure in failures:
        raise failure


async def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = Broker(tmp_path / "broker")
    command = await broken.prepare()
    data = tmp_path / "broker" / "data" / "meta.properties"
    data.write_text(data.read_text().replace("node.id=1", "node.id=7"))

    with pytest.raises(LocalMeshError, match="ended with exit code") as failure:
        await broken.start()

    assert "node" in failure.value.why
    assert str(command.log) in failure.value.do


async def test_a_taken_port_is_named(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(LocalMeshError, match=str(broker.port)):
        await Broker(tmp_path / "other", port=broker.port).start()


async def test_groups_are_at_work_once_the_broker_has_started(broker: Broker) -> None:
    assert broker_module.wake_groups(broker.bootstrap)


def test_formatting_twice_keeps_the_cluster_id(tmp_path: Path) -> None:
    first = kafka_settings.format_data(tmp_path)
    assert kafka_settings.format_data(tmp_path) == first
    assert len(first) == 22


def test_the_address_of_a_broker_that_was_not_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocalMeshError, match="not started"):
        _ = Broker(tmp_path).bootstrap

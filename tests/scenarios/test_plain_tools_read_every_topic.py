"""Every Kafka tool can read what the mesh writes.

A team adopts the mesh one service at a time, and looks at its topics with what it has: a plain consumer with fastavro
and the schemas of `ids.lock`, or kcat. So every event type is published as a service publishes it, and read back by a
client that knows nothing of Farandole: five bytes of Confluent prefix, Avro binary, CloudEvents headers.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from io import BytesIO
from pathlib import Path
from random import Random, seed

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.engine.encoder import Encoder
from farandole.engine.ports import Message
from farandole.event import Event
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, missing
from farandole_events import CATALOGUE
from fastavro.utils import generate_one

LOCK = Path(__file__).parents[2] / "schemas" / "ids.lock"


def every_type() -> list[type[Event]]:
    return sorted((e for e in Event.__subclasses__() if e.__module__.startswith("farandole_events.")), key=str)


def an_example(event: type[Event], codec: Codec) -> Event:
    """Make an event of a type, with every field filled by the schema's own generator."""
    seed(Random(7).random())
    schema = fastavro.parse_schema(json.loads(json.dumps(event.avro.avsc)))
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, generate_one(schema))
    prefix = b"\x00" + event.avro.id.to_bytes(4, "big")
    return codec.decode(prefix + out.getvalue(), event)


@pytest.fixture
async def published(backend):
    """Publish one event of every type as a service would; return their ids by topic and type."""
    connection = Connection(bootstrap=backend.bootstrap, client_id="plain")
    topics = [domain_topic(name, partitions=4) for name in CATALOGUE.topics]
    await create(connection, await missing(connection, topics))
    codec = Codec(CATALOGUE)
    encoder = Encoder(service="plain", codec=codec, clock=SystemClock())
    publisher = KafkaPublisher(connection)
    examples = {}
    for event in every_type():
        example = an_example(event, codec)
        sent = encoder.first(example, event_id=str(uuid.uuid4()), flow=None, causes=())
        await publisher.publish([Message(topic=sent.topic, key=sent.key, value=sent.value, headers=sent.headers)])
        examples[sent.event_id] = (event, example, sent)
    await publisher.close()
    return examples


def plain_schemas() -> dict[int, dict]:
    rows = map(json.loads, filter(None, LOCK.read_text().splitlines()))
    return {row["id"]: fastavro.parse_schema(row["schema"]) for row in rows}


def read_plainly(bootstrap: str, topic: str) -> list:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"plain-{uuid.uuid4()}"})
    try:
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        ends = {n: consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1] for n in partitions}
        consumer.assign([TopicPartition(topic, n, 0) for n in partitions])
        found = []
        while len(found) < sum(ends.values()):
            message = consumer.poll(5)
            found += [message] if message is not None and message.error() is None else []
        return found
    finally:
        consumer.close()


async def test_a_plain_consumer_with_fastavro_reads_every_event_type(backend, published):
    schemas, seen = plain_schemas(), set()
    assert len(published) == len(list(CATALOGUE))
    for topic in CATALOGUE.topics:
        for message in read_plainly(backend.bootstrap, topic):
            headers = {name: value.decode() for name, value in message.headers()}
            if headers["ce_id"] not in published:
                continue
            event, example, _ = published[headers["ce_id"]]
            value = message.value()
            assert value[0] == 0
            schema = schemas[int.from_bytes(value[1:5], "big")]
            body = BytesIO(value[5:])
            record = fastavro.schemaless_reader(body, schema)
            assert body.read() == b""
            assert headers["ce_specversion"] == "1.0"
            assert headers["ce_type"] == schema["name"] == event.avro.fullname
            assert headers["ce_subject"] == message.key().decode() == record[event.avro.key]
            assert Codec(CATALOGUE).decode(value, event) == example
            seen.add(headers["ce_id"])
    assert seen == set(published)


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not on this machine (Debian's package kcat)")
def test_kcat_reads_every_event_type(backend, published):
    for topic in CATALOGUE.topics:
        printed = subprocess.run(
            ["kcat", "-C", "-b", backend.bootstrap, "-t", topic, "-e", "-q", "-f", "%k %S %h\n"],
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout.decode()
        for event_id, (_, _, sent) in published.items():
            if sent.topic == topic:
                (line,) = [line for line in printed.splitlines() if event_id in line]
                assert f" {len(sent.value)} " in line
                assert f"ce_type={sent.type}" in line

"""The demo's audit reads every record of every topic, from a real broker, whoever wrote them.

Headers may be null or no text, values may be missing or no Avro. The audit reads on, and says that it cannot read.
"""

from __future__ import annotations

import pytest
from confluent_kafka import Producer
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from farandole.testing.backend import Backend
from farandole_sandbox.demo.topics import read_topics

HONEST = [("ce_id", b"e-1"), ("ce_source", b"orders")]


@pytest.mark.mesh
async def test_it_reads_on(own_backend: Backend) -> None:
    await create(Connection(bootstrap=own_backend.bootstrap, client_id="test"), [domain_topic("orders", partitions=1)])
    producer = Producer({"bootstrap.servers": own_backend.bootstrap})
    for headers in ([("foreign", b"x")], [("ce_id", None)], [("ce_id", b"\xff")], HONEST):
        producer.produce("orders", key=None, value=b"\x00\x00\x00\x00\xffbad", headers=headers)
    producer.produce("orders", key=b"k", value=None)
    assert producer.flush(30) == 0
    read = read_topics(own_backend.bootstrap).domain
    assert [one.type for one in read] == ["Unreadable"] * 5
    assert read[0].id == "orders|0|0"
    assert read[3].id == "e-1"

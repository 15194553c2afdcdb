"""A service tells the mesh what it declares when it starts. Nobody needs that to work, and nobody believes it blindly.

The topic is compacted, and open to whoever may write there: what cannot be read is passed over, and the last word of
each service stands.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from confluent_kafka import Producer
from farandole import Service
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.topics import SERVICES, create, service_topic
from farandole.topology import announced_topology, topology_of
from farandole.topology.announcement import MOST_BYTES, announcement_bytes, latest, read_announcement
from farandole.topology.announcing import announce, announcement_of, announcements
from farandole_events import OrderPlaced, PaymentAuthorised
from structlog.testing import capture_logs


def payments() -> Service:
    service = Service("payments")

    @service.on(OrderPlaced, depends_on="gateway")
    def authorise(order: OrderPlaced) -> PaymentAuthorised: ...

    return service


def test_what_is_announced_is_the_topology_of_the_service_without_a_word_of_the_machine():
    told = announcement_bytes(announcement_of(payments(), version="1.2"))
    read = read_announcement(b"payments", told)
    assert read is not None
    assert read.service.version == "1.2"
    assert str(Path(__file__).parents[3]).encode() not in told
    found, own = announced_topology([read]), topology_of([payments()], ())
    assert found.events == own.events
    assert [(one.event, one.place.line) for one in found.hearings] == [
        (one.event, one.place.line) for one in own.hearings
    ]
    assert found.emitters(PaymentAuthorised.avro.fullname) == ("payments",)


def test_garbage_is_passed_over_and_the_last_word_stands():
    first = announcement_bytes(announcement_of(payments(), version="1"))
    second = announcement_bytes(announcement_of(payments(), version="2"))
    later = json.dumps({**json.loads(second), "layout": 2}).encode()
    records = [
        (b"payments", first),
        (None, first),
        (b"payments", b"\xff{"),
        (b"payments", b"[" * 100_000),
        (b"somebody else", second),
        (b"payments", second),
        (b"payments", b'{"layout": 1, "service": {"name": 7}, "events": []}'),
        (b"payments", later),
        (b"payments", b" " * MOST_BYTES + second),
    ]
    assert [one.service.version for one in latest(records)] == ["2"]
    assert latest([*records, (b"payments", None)]) == ()


async def test_it_is_read_from_a_real_topic_and_a_missing_topic_is_no_harm(own_backend):
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    reader = LogReader(connection)
    assert await asyncio.to_thread(announcements, reader) == ()
    with capture_logs() as logs:
        sending = announce(payments(), connection, version="1")
        assert sending.daemon, "a process that ends must not wait for it"
        await asyncio.to_thread(sending.join, 90)
    assert [one["log_level"] for one in logs] == ["warning"]
    await create(connection, [service_topic()])
    garbage = Producer({"bootstrap.servers": own_backend.bootstrap})
    garbage.produce(SERVICES, key=b"payments", value=b"no JSON")
    garbage.flush(10)
    await asyncio.to_thread(announce(payments(), connection, version="2").join, 90)
    assert [one.service.version for one in await asyncio.to_thread(announcements, reader)] == ["2"]

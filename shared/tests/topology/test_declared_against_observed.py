"""What services declare is held against the traffic: what nobody declares is named, and edges that are never seen."""

from __future__ import annotations

import asyncio
import json

import pytest
from confluent_kafka import Consumer, Producer
from farandole import Envelope, Service
from farandole.cli.topology import topology
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from farandole.topology import topology_of
from farandole.topology.observed import Observed, Traffic, differences
from farandole_events import OrderPlaced, PaymentAuthorised, PaymentDeclined
from sqlalchemy import MetaData

PLACED, AUTHORISED, DECLINED = (one.avro.fullname for one in (OrderPlaced, PaymentAuthorised, PaymentDeclined))
READ = frozenset({("payments", "orders"), ("payments.observer", "orders")})


async def authorise(order: OrderPlaced) -> PaymentAuthorised | PaymentDeclined: ...
def place() -> None: ...


def mesh():
    payments, orders = Service("payments", tables=MetaData()), Service("orders")
    payments.on(OrderPlaced)(authorise)
    orders.emits(OrderPlaced, by=place)
    return topology_of([payments, orders], ())


def seen(*traffic: tuple[str, str, str], readers=READ) -> Observed:
    return Observed(
        records={Traffic(service=service, event=event, topic=topic): 3 for service, event, topic in traffic},
        readers=frozenset(readers),
    )


EVERYTHING = (("orders", PLACED, "orders"), ("payments", AUTHORISED, "payments"), ("payments", DECLINED, "payments"))


def test_a_mesh_that_does_what_it_declares_has_no_differences():
    found = differences(mesh(), seen(*EVERYTHING))
    assert (found.undeclared, found.dead) == ((), ())


@pytest.mark.parametrize(
    ("traffic", "what"),
    [
        (("orders", "farandole.orders.OrderGuessed", "orders"), "no service declares this type"),
        (("crm", PLACED, "orders"), "declared is that orders emits it"),
        (("orders", PLACED, "payments"), "it belongs on orders"),
    ],
)
def test_traffic_that_nobody_declares_is_named_with_the_reason(traffic, what):
    (one,) = differences(mesh(), seen(*EVERYTHING, traffic)).undeclared
    assert ((one.service, one.event, one.topic), one.what, one.records) == (traffic, what, 3)


def test_a_group_that_no_service_declares_is_named_and_a_topic_of_nobody_s_is_not_ours():
    found = differences(mesh(), seen(*EVERYTHING, readers={*READ, ("spy", "orders"), ("spy", "elsewhere")}))
    assert [(one.service, one.topic) for one in found.undeclared] == [("spy", "orders")]
    assert found.of("payments").undeclared == ()


def test_an_edge_of_which_nothing_is_seen_is_dead():
    found = differences(mesh(), seen(*EVERYTHING[:2], readers=()))
    assert [(one.service, one.event) for one in found.dead] == [("payments", PLACED), ("payments", DECLINED)]
    assert [one.event for one in found.of("orders").dead] == []


def spied(bootstrap: str) -> None:
    spy = Consumer({"bootstrap.servers": bootstrap, "group.id": "spy", "auto.offset.reset": "earliest"})
    spy.subscribe(["orders"])
    assert spy.poll(60) is not None
    spy.commit(asynchronous=False)
    spy.close()


async def test_a_real_mesh_is_looked_at(own_backend, capsys, monkeypatch):
    """One event of a stranger on the topic of orders, and a group of a stranger's that read it."""
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [domain_topic("orders", partitions=1)])
    envelope = Envelope(
        id="e-1", type=PLACED, source="stranger", subject="o-1", time="2026-11-23T12:00:00Z", correlation_id="e-1"
    )
    producer = Producer({"bootstrap.servers": own_backend.bootstrap})
    producer.produce("orders", b"x", b"o-1", headers=list(envelope.headers()))
    assert producer.flush(20) == 0
    await asyncio.to_thread(spied, own_backend.bootstrap)
    monkeypatch.setenv("FARANDOLE_BROKERS", own_backend.bootstrap)
    monkeypatch.setenv("FARANDOLE_REDIS_URL", own_backend.redis_url)
    code = await asyncio.to_thread(lambda: topology(observed=True, json=True))
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert code == 4
    assert [(one["service"], one["topic"]) for one in told["undeclared"]] == [("spy", "orders"), ("stranger", "orders")]
    assert told["records"] == 1
    assert ("payments", PLACED) in {(one["service"], one["event"]) for one in told["dead"]}

"""What `farandole topology --acls` grants is enough, and no more: on a real broker and a real Redis that refuse.

Services run as processes of their own, each with a user of its own name, SASL/SCRAM on Kafka and a password in Redis;
the authoriser is Kafka's own. Orders go their way. What the broker's log tells of refusals is what counts: while orders
go their way there are none, and whatever else a service tries is among them. In CI two services run; with
FARANDOLE_LONG=1 the whole mesh does, with an operator who replays, redrives and audits and a reader who looks.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable

import httpx2
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewPartitions, NewTopic
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.mesh_topics import installed_topics
from farandole.topology import installed_topology
from farandole.topology.access import Act, Resource, grants_of, removing
from guarded_mesh import GuardedMesh, Refusal, as_filter, until
from mischief import LONG
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

ORDER = {
    "reference": "10248",
    "customer_id": "VINET",
    "order_date": "1996-07-04T00:00:00Z",
    "lines": [
        {
            "product_id": "11",
            "product_name": "Queso Cabrales",
            "quantity": 1,
            "unit_price_cents": 1400,
            "discount_basis_points": 0,
        }
    ],
    "freight_cents": 3238,
    "currency": "USD",
    "carrier": "3",
    "payment_token": "tok_ok",
    "ship_to": {
        "name": "Vins et alcools Chevalier",
        "street": "59 rue de l'Abbaye",
        "city": "Reims",
        "region": None,
        "postal_code": "51100",
        "country": "France",
    },
}


def granted(cluster: str):
    return grants_of(installed_topology(), cluster=cluster)


async def place(mesh: GuardedMesh, key: str, **changes: object) -> str:
    async with httpx2.AsyncClient(base_url=mesh.surroundings.url("orders")) as client:
        answer = await client.post("/orders", json=ORDER | changes, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["order_id"])


async def heard(mesh: GuardedMesh, order: str, event: str) -> None:
    """Wait until an order's history holds an event."""
    async with httpx2.AsyncClient(base_url=mesh.surroundings.url("orders")) as client:

        async def it_is() -> bool:
            return event in (await client.get(f"/orders/{order}")).text

        await until(it_is, f"no {event}", lambda: sorted(mesh.refusals()), within=90)


def topics(mesh: GuardedMesh, user: str, *acts: Act) -> set[str]:
    """Return the topics with which a user may do one of these."""
    mine = mesh.grants.of(user).permissions
    return {one.name for one in mine if one.resource is Resource.TOPIC and one.act in acts}


def try_to_write(mesh: GuardedMesh, user: str, names: Iterable[str]) -> set[str]:
    """Write to topics as a user; return those that took it."""
    producer, took = Producer(mesh.as_user(user, **{"message.timeout.ms": 15000})), set()
    for name in names:
        producer.produce(name, b"x", on_delivery=lambda error, _, name=name: took.add(name) if error is None else None)
    producer.flush(20)
    return took


def try_to_read(mesh: GuardedMesh, user: str, expected: set[Refusal]) -> None:
    """Read topics as a user, from their beginning, until the broker has said that it refused each."""
    consumer = Consumer(mesh.as_user(user, **{"group.id": user, "enable.auto.commit": False}))
    deadline = time.monotonic() + 15
    try:
        consumer.assign([TopicPartition(name, 0, 0) for *_, name in expected])
        while left := expected - mesh.refusals():
            assert time.monotonic() < deadline, f"not refused: {left}"
            message = consumer.poll(0.2)
            assert message is None or message.error() is not None, f"{user} read {message.topic()}"
    finally:
        consumer.close()


def try_to_join(mesh: GuardedMesh, user: str, group: str, topic: str) -> str:
    """Join a group as a user; return the error's name."""
    consumer = Consumer(mesh.as_user(user, **{"group.id": group}))
    try:
        consumer.subscribe([topic])
        message = consumer.poll(15)
        assert message is not None
        return str(message.error().name())
    finally:
        consumer.close()


def try_to_administer(mesh: GuardedMesh, user: str, topic: str) -> dict[str, str]:
    """Try what an administrator does, as a user; return what came of each."""
    admin = AdminClient(mesh.as_user(user))
    change = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    of_topic = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])
    of_broker = ConfigResource(
        ConfigResource.Type.BROKER,
        "1",
        incremental_configs=[
            ConfigEntry("log.cleaner.threads", "1", incremental_operation=AlterConfigOpType.SET),
        ],
    )
    everything = AclBinding(
        ResourceType.TOPIC,
        "*",
        ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    asked = {
        "create": admin.create_topics([NewTopic(f"{user}.retry.99", 1, 1)]),
        "delete": admin.delete_topics([topic]),
        "partitions": admin.create_partitions([NewPartitions(topic, 9)]),
        "delete records": admin.delete_records([TopicPartition(topic, 0, 0)]),
        "alter topic": admin.incremental_alter_configs([of_topic]),
        "alter broker": admin.incremental_alter_configs([of_broker]),
        "see topic's settings": admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]),
        "grant": admin.create_acls([everything]),
        "delete group": admin.delete_consumer_groups(["orders"]),
    }
    # The client answers a refusal to this with an empty list: what counts is that the broker tells of it.
    _outcome(admin.describe_acls(as_filter(everything)))
    return {what: _outcome(next(iter(answers.values()))) for what, answers in asked.items()}


def try_a_transaction(mesh: GuardedMesh, user: str) -> str:
    """Begin a transaction under a user's own name."""
    producer = Producer(mesh.as_user(user, **{"transactional.id": user}))
    try:
        producer.init_transactions(15)
    except KafkaException as refused:
        return str(refused.args[0].name())
    return "it may"


def _outcome(asked) -> str:
    try:
        asked.result(20)
    except KafkaException as refused:
        return str(refused.args[0].name())
    return "it may"


ADMINISTERED = {
    "create": "TOPIC_AUTHORIZATION_FAILED",
    "delete": "TOPIC_AUTHORIZATION_FAILED",
    "partitions": "TOPIC_AUTHORIZATION_FAILED",
    "delete records": "TOPIC_AUTHORIZATION_FAILED",
    "alter topic": "TOPIC_AUTHORIZATION_FAILED",
    "alter broker": "CLUSTER_AUTHORIZATION_FAILED",
    "see topic's settings": "TOPIC_AUTHORIZATION_FAILED",
    "grant": "CLUSTER_AUTHORIZATION_FAILED",
    "delete group": "GROUP_AUTHORIZATION_FAILED",
}


async def nothing_else_is_permitted(mesh: GuardedMesh, user: str, *, own: str, foreign: str, group: str) -> None:
    """Try, as the user of a service, whatever it does not declare; the broker's log has to tell of each refusal.

    No order of these is retried, so its retry tiers are tried, too: those are its own.
    """
    every = {one.name for one in installed_topics()}
    retries = {one for one in every if one.startswith(f"{user}.retry.")}
    assert await asyncio.to_thread(try_to_write, mesh, user, retries) == retries
    unwritten = every - topics(mesh, user, Act.WRITE)
    assert await asyncio.to_thread(try_to_write, mesh, user, unwritten) == set()
    # Whoever may only write or only read a topic sees it; of any other one it is refused to be told.
    seen = topics(mesh, user, Act.READ, Act.WRITE)
    unread = every - topics(mesh, user, Act.READ)
    await asyncio.to_thread(
        try_to_read, mesh, user, {(user, "READ" if name in seen else "DESCRIBE", "Topic", name) for name in unread}
    )
    for other in (group, f"{user}2", f"{user}.other"):
        assert await asyncio.to_thread(try_to_join, mesh, user, other, own) == "GROUP_AUTHORIZATION_FAILED"
    assert await asyncio.to_thread(try_to_administer, mesh, user, own) == ADMINISTERED
    # Where the records of a topic that it does not see are, a client is not even told.
    unseen = ADMINISTERED | {"delete records": "_NOENT"}
    assert await asyncio.to_thread(try_to_administer, mesh, user, foreign) == unseen
    assert await asyncio.to_thread(try_a_transaction, mesh, user) == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
    await mesh.refused(
        *((user, "WRITE" if name in seen else "DESCRIBE", "Topic", name) for name in unwritten),
        (user, "DESCRIBE", "Group", group),
        (user, "DELETE", "Topic", own),
        (user, "ALTER_CONFIGS", "Topic", own),
        (user, "ALTER", "Cluster", "kafka-cluster"),
        (user, "DESCRIBE", "Cluster", "kafka-cluster"),
    )


async def redis_refuses(mesh: GuardedMesh, user: str, other: str) -> None:
    """Try, as the user of a service, what it has no need of in Redis."""
    cluster = mesh.broker.cluster_id
    own, foreign = f"farandole:{{{cluster}:{user}}}", f"farandole:{{{cluster}:{other}}}"
    redis = Redis.from_url(mesh.redis_url(user))
    try:
        assert await redis.hget(f"{own}:epoch", "value")
        for words in (
            ("HGET", f"{foreign}:open", "x"),
            ("HSET", f"{foreign}:epoch", "value", "forged"),
            ("EVAL", "return redis.call('HSET', KEYS[1], 'value', 'forged')", 1, f"{foreign}:epoch"),
            ("EVAL", f"return redis.call('HSET', '{foreign}:epoch', 'value', 'forged')", 0),
            ("HSET", f"{own}:operation", "a", "b"),
            ("HSET", "mine", "a", "b"),
            ("UNLINK", f"{foreign}:open"),
            ("SET", f"{own}:open", "x"),
            ("DEL", f"{own}:open"),
            ("FLUSHALL",),
            ("FLUSHDB",),
            ("CONFIG", "GET", "maxmemory-policy"),
            ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
            ("KEYS", "*"),
            ("SCAN", 0),
            ("ACL", "LIST"),
            ("SCRIPT", "FLUSH"),
            ("PUBLISH", "x", "y"),
            ("MONITOR",),
            ("SHUTDOWN",),
            ("CLIENT", "KILL", "SKIPME", "yes"),
        ):
            with pytest.raises(Exception, match=r"(?i)permission|can't access") as refused:
                await redis.execute_command(*words)
            assert isinstance(refused.value, NoPermissionError) or "ACL failure" in str(refused.value), words
    finally:
        await redis.aclose()


async def nothing_was_refused_in_redis(mesh: GuardedMesh) -> None:
    refused = await mesh.redis_admin.execute_command("ACL", "LOG")
    assert refused == []


async def test_two_services_with_what_the_script_gives_them_and_without(tmp_path):
    async with GuardedMesh(tmp_path / "mesh", granted) as mesh:
        await mesh.start(("sandbox", "orders", "payments"))
        await heard(mesh, await place(mesh, "one"), "PaymentAuthorised")
        await a_poisoned_record_is_given_up_on(mesh)
        await records_came(mesh, "payments.dlq", "_farandole.outcomes", "_farandole.services")
        assert mesh.refusals() == set()
        await nothing_was_refused_in_redis(mesh)
        await nothing_else_is_permitted(mesh, "payments", own="payments", foreign="fulfilment", group="orders")
        await redis_refuses(mesh, "payments", "orders")
        assert len(await mesh.redis_admin.execute_command("ACL", "LIST")) == 1 + len(mesh.grants.redis)
        await mesh.run(removing(mesh.grants))
        assert len(await mesh.redis_admin.execute_command("ACL", "LIST")) == 1
        everything = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        assert await asyncio.to_thread(mesh.admin.describe_acls(everything).result, 20) == []


@LONG
@pytest.mark.timeout(300)
async def test_orders_go_through_the_whole_mesh_and_people_do_their_work(tmp_path):
    async with GuardedMesh(tmp_path / "mesh", granted) as mesh:
        services = tuple(mesh.surroundings.http_ports)
        await mesh.start(services)
        orders = [await place(mesh, f"order-{number}") for number in range(6)]
        await asyncio.gather(*(heard(mesh, order, "OrderCompleted") for order in orders))
        await a_poisoned_record_is_given_up_on(mesh)
        await records_came(mesh, "payments.dlq", "analytics-minutes-changelog", "_farandole.outcomes", "sales")
        assert mesh.refusals() == set()
        await nothing_was_refused_in_redis(mesh)
        await an_operator_and_a_reader_do_their_work(mesh, orders[0])
        assert mesh.refusals() == set()
        await nothing_was_refused_in_redis(mesh)
        for service in sorted({one.name for one in installed_topology().services if one.handlers}):
            other = "crm" if service == "erp" else "erp"
            own = min(topics(mesh, service, Act.WRITE) & topics(mesh, service, Act.READ))
            await nothing_else_is_permitted(mesh, service, own=own, foreign=f"{other}.dlq", group=other)
            await redis_refuses(mesh, service, other)


async def records_came(mesh: GuardedMesh, *names: str) -> None:
    """Wait until somebody has written to each of these topics."""

    def empty() -> set[str]:
        log = LogReader(Connection(bootstrap=mesh.broker.bootstrap, client_id="t"))
        ends = log.ends(one for one in log.partitions() if one.topic in names)
        return set(names) - {at.topic for at, end in ends.items() if end}

    async def none_is() -> bool:
        return not await asyncio.to_thread(empty)

    await until(none_is, "no record came", lambda: (empty(), sorted(mesh.refusals())), within=30)


async def a_poisoned_record_is_given_up_on(mesh: GuardedMesh) -> None:
    """Somebody who may writes what nobody can read: everybody who hears the topic writes a dead letter."""
    kinds = [("ce_type", b"farandole.orders.OrderPlaced"), ("ce_id", b"poison"), ("ce_source", b"/t")]
    producer = Producer({"bootstrap.servers": mesh.broker.bootstrap})
    producer.produce("orders", b"\0\0\0\0\1poison", key=b"x", headers=[*kinds, ("ce_specversion", b"1.0")])
    assert producer.flush(20) == 0

    async def given_up() -> bool:
        async with httpx2.AsyncClient(base_url=mesh.surroundings.url("payments")) as client:
            return (await client.get("/status")).json()["totals"]["dead"] > 0

    await until(given_up, "no dead letter", lambda: sorted(mesh.refusals()))


async def an_operator_and_a_reader_do_their_work(mesh: GuardedMesh, order: str) -> None:
    assert order in await mesh.command("reader", "flow", order, "--json")
    history = ("--from", "2020-01-01T00:00:00Z", "--limit", "3")
    assert len((await mesh.command("reader", "tail", *history, "--json")).splitlines()) == 3
    assert "payment-gateway" in await mesh.command("reader", "breakers", "--json")
    assert "payments" in await mesh.command("operator", "dlq", "ls", "--json")
    meant = ("--reason", "a test", "--yes", "--confirm", "payments", "--json")
    mended = ("--service", "payments", "--from", "2020-01-01T00:00:00Z", *meant)
    # What nobody can read dies again.
    await mesh.command("operator", "dlq", "redrive", *mended, "--wait", "20", ends=1)
    await mesh.command("operator", "dlq", "discard", *mended)
    again = ("--service", "payments", "--mode", "again", "--effects", "--type", "OrderPlaced", "--json")
    plan = json.loads(await mesh.command("operator", "replay", "plan", *again, ends=3))
    await mesh.command("operator", "replay", "run", plan["plan"], *meant)
    await mesh.command("operator", "audit", "--json")
    assert "discard" in await mesh.command("reader", "operations", "ls", "--json")

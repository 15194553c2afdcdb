"""Where the brokers do not permit it, nothing is done, and whoever asked is told what is lacking.

The broker is a real one with an authorizer. What an operator may not do is what a cluster's owner would keep from him:
to write to the audit topic, to give records to a service again, or even to see that service's topics.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from farandole.cli.exit_code import ExitCode, exit_code_of
from farandole.errors import NotPermittedError
from farandole.kafka.connection import Connection
from farandole.kafka.topics import AUDIT, audit_topic, create, private_topics
from farandole.local import kafka_settings
from farandole.local.broker import Broker
from farandole.operations import AuditTopic, Ended, Redelivery, recorded
from farandole.private_topics import PrivateTopics
from given_again import operation, sending

EVERYBODY = "User:*"
TOPICS = (AUDIT, "payments.redelivery", "hidden.redelivery")


@pytest.fixture
async def connection(tmp_path, monkeypatch):
    """A broker that has the topics and asks for permission, which nobody has yet but to make topics."""
    authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    monkeypatch.setitem(kafka_settings._TUNING, "authorizer.class.name", authorizer)
    monkeypatch.setitem(kafka_settings._TUNING, "allow.everyone.if.no.acl.found", "true")
    broker = Broker(tmp_path / "broker")
    await broker.start()
    found = Connection(bootstrap=broker.bootstrap, client_id="test")
    own = [private_topics(PrivateTopics(service=name, tiers=0), partitions=1) for name in ("payments", "hidden")]
    await create(found, [audit_topic(), *(topic for topics in own for topic in topics)])
    yield found
    await broker.stop()


async def permit(connection: Connection, topic: str, *operations: AclOperation) -> None:
    """Permit these and nothing else on a topic."""
    admin = AdminClient(connection.properties())
    any_, literal = AclPermissionType.ANY, ResourcePatternType.LITERAL
    mine = AclBindingFilter(ResourceType.TOPIC, topic, literal, None, None, AclOperation.ANY, any_)
    # A permission that nobody uses: as soon as there is one, everything else on the topic is refused.
    wanted = [
        AclBinding(ResourceType.TOPIC, topic, literal, EVERYBODY, "*", one, AclPermissionType.ALLOW)
        for one in (AclOperation.DESCRIBE_CONFIGS, *operations)
    ]
    # One after the other: what is permitted anew before the broker has heard that it was taken back is lost, since
    # to the broker it is there already.
    for asked, expected in (
        (lambda: admin.delete_acls([mine]), set()),
        (lambda: admin.create_acls(wanted), set(wanted)),
    ):
        await asyncio.gather(*(asyncio.to_thread(one.result, 10) for one in asked().values()))
        await permitted(admin, mine, expected)


async def permitted(admin: AdminClient, mine: AclBindingFilter, expected: set[AclBinding]) -> None:
    """Wait for the broker to know of these and no others; the controller does so a moment earlier."""
    async with asyncio.timeout(30):
        while set(await asyncio.to_thread(admin.describe_acls(mine).result, 10)) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_nothing_is_done_and_what_is_lacking_is_told(connection):
    await whoever_may_not_write_it_down_does_nothing(connection)
    await whoever_may_not_send_to_a_service_is_told_and_so_is_who_may_not_see_it(connection)


async def whoever_may_not_write_it_down_does_nothing(connection: Connection) -> None:
    async with AuditTopic(connection) as topic:
        await topic.append(Ended(operation="op-0", at=datetime.now(UTC), result="done"))
    await permit(connection, AUDIT, AclOperation.DESCRIBE, AclOperation.READ)
    done = []

    async def act() -> None:
        async with AuditTopic(connection) as topic, recorded(topic, operation("op-1", "payments")):
            done.append(1)

    with pytest.raises(NotPermittedError) as refused:
        await asyncio.wait_for(act(), 30)
    assert done == []
    assert refused.value.what == "not permitted to write to _farandole.audit; nothing was done"
    assert exit_code_of(refused.value) == ExitCode.FAILED
    async with AuditTopic(connection) as topic:
        assert [one.record.operation for one in await topic.read()] == ["op-0"]

    for operations, what in (([AclOperation.DESCRIBE, AclOperation.WRITE], "read"), ([], "see")):
        await permit(connection, AUDIT, *operations)
        with pytest.raises(NotPermittedError) as refused:
            async with AuditTopic(connection) as topic:
                await asyncio.wait_for(topic.read(), 30)
        assert f"not permitted to {what} _farandole.audit" in refused.value.what
    with pytest.raises(NotPermittedError):
        await asyncio.wait_for(act(), 30)
    assert done == []


async def whoever_may_not_send_to_a_service_is_told_and_so_is_who_may_not_see_it(connection: Connection) -> None:
    await permit(connection, "payments.redelivery", AclOperation.DESCRIBE, AclOperation.READ)
    await permit(connection, "hidden.redelivery")
    async with Redelivery(connection, service="payments", operation="op-1") as redelivery:
        marks = await redelivery.marks()
        with pytest.raises(NotPermittedError) as refused:
            await asyncio.wait_for(redelivery.send([sending(1)]), 30)
        assert refused.value.what == "not permitted to write to payments.redelivery; nothing was done"
        assert len(await redelivery.sent(marks)) == 0
    with pytest.raises(NotPermittedError) as hidden:
        async with Redelivery(connection, service="hidden", operation="op-1"):
            pytest.fail("it cannot be seen")
    assert "see hidden.redelivery" in hidden.value.what

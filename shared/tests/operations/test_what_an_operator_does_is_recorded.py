"""Whatever an operator does is in the audit topic before it is done, and how it ended is there afterwards.

The topic is real. Whoever may write to it may write anything, so what is no record of ours, or of a later version, is
put there as well.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource
from farandole.errors import BrokerUnavailableError, OperationError
from farandole.kafka import topics
from farandole.kafka.connection import Connection
from farandole.kafka.topics import AUDIT
from farandole.operations import Asked, AuditRecord, AuditTopic, Began, Ended, recorded
from given_again import operation


class Planned(AuditRecord):
    """What only a later version, or another package, knows."""

    selection: str


@pytest.fixture
def connection(backend) -> Connection:
    return Connection(bootstrap=backend.bootstrap, client_id="test")


@pytest.fixture
def id_() -> str:
    return uuid.uuid4().hex


async def test_what_could_not_be_read_again_is_not_written(connection, id_):
    async with AuditTopic(connection) as topic:
        wrong = Ended(operation=id_, at=datetime.now(UTC), result="done", counts={"sent": False})
        with pytest.raises(OperationError, match="read again"):
            await topic.append(wrong)
        assert await topic.read(operation=id_) == []


async def test_the_beginning_is_there_before_the_first_step_and_the_end_after_the_last(connection, id_):
    async with AuditTopic(connection) as topic:
        async with recorded(topic, operation(id_, "payments"), marks={0: 7}, details={"letters": 3}) as receipt:
            (began,) = await topic.read(operation=id_)
            receipt.counts["sent"] = 3
        (_, ended) = await topic.read(operation=id_)
    assert isinstance(began.record, Began)
    assert (began.record.begun.service, began.record.marks, began.record.details) == (
        "payments",
        {0: 7},
        {"letters": 3},
    )
    assert ended.record == Ended(operation=id_, at=ended.record.at, result="done", counts={"sent": 3})


async def test_what_cannot_be_recorded_is_not_done(id_, monkeypatch):
    monkeypatch.setattr(topics, "WITHIN", 1.0)
    nowhere = Connection(bootstrap="127.0.0.1:1", client_id="test")
    done = []

    async def act() -> None:
        async with AuditTopic(nowhere) as topic, recorded(topic, operation(id_, "payments")):
            done.append(1)

    with pytest.raises(BrokerUnavailableError):
        await asyncio.wait_for(act(), 30)
    assert done == []


async def test_a_failure_is_recorded_with_its_words_and_an_interruption_leaves_it_open(connection, id_):
    async with AuditTopic(connection) as topic:
        with pytest.raises(OperationError):
            async with recorded(topic, operation(id_, "payments")):
                raise OperationError("the gate is shut")
        (_, ended) = await topic.read(operation=id_)
        assert (ended.record.result, ended.record.why) == ("failed", "the gate is shut")
        other = f"{id_}-2"
        with pytest.raises(asyncio.CancelledError):
            async with recorded(topic, operation(other, "payments")):
                raise asyncio.CancelledError
        assert [type(one.record) for one in await topic.read(operation=other)] == [Began]


async def test_what_is_no_record_is_passed_over_and_counted_and_what_is_of_another_kind_is_not(
    backend, connection, id_
):
    now = datetime.now(UTC)
    async with AuditTopic(connection) as topic:
        await topic.append(Asked(operation=id_, at=now, wish="pause", who="ada@engine"))
        await topic.append(Planned(operation=id_, at=now, selection="everything"))
        producer = Producer({"bootstrap.servers": backend.bootstrap})
        later = {"kind": "asked", "operation": id_, "at": now.isoformat(), "wish": "resume", "who": "b", "version": 9}
        for value in (
            b"no json",
            None,
            b"[" * 100_000,
            json.dumps({"kind": "asked", "operation": id_}).encode(),
            json.dumps({"kind": "asked", "operation": id_, "at": "yesterday", "wish": "pause", "who": "x"}).encode(),
            json.dumps(
                {"kind": "asked", "operation": id_, "at": now.isoformat(), "wish": "pause", "who": "x" * 999}
            ).encode(),
            json.dumps(later | {"at": "0001-01-01T00:00:00+14:00"}).encode(),
            json.dumps(later | {"new": {"field": 1}}).encode(),
        ):
            producer.produce(AUDIT, value=value)
        assert producer.flush(10) == 0
        found = await topic.read(operation=id_)
        assert [one.record.wish for one in found] == ["pause", "resume"]
        assert topic.foreign >= 7
        (planned,) = await topic.read(Planned, operation=id_)
        assert planned.record.selection == "everything"


async def test_whoever_follows_hears_what_another_terminal_asks(connection, id_):
    async with AuditTopic(connection) as here, AuditTopic(connection) as there:
        heard = here.follow(Asked, operation=id_)
        waiting = asyncio.ensure_future(anext(heard))
        await there.append(Asked(operation=id_, at=datetime.now(UTC), wish="cancel", who="b@c", why="enough"))
        found = await asyncio.wait_for(waiting, 20)
        assert (found.record.wish, found.record.why) == ("cancel", "enough")
        await heard.aclose()


async def test_only_what_came_since_is_read_where_that_is_asked(connection, id_):
    async with AuditTopic(connection) as topic:
        await topic.append(Asked(operation=id_, at=datetime.now(UTC), wish="pause", who="a"))
        assert await topic.read(operation=id_, since=datetime.now(UTC) + timedelta(hours=1)) == []
        assert len(await topic.read(operation=id_, since=datetime.now(UTC) - timedelta(hours=1))) == 1


async def test_what_is_too_large_to_be_recorded_is_refused(connection, id_):
    async with AuditTopic(connection) as topic:
        with pytest.raises(OperationError) as refused:
            await topic.append(Planned(operation=id_, at=datetime.now(UTC), selection="x" * 1_000_000))
    assert refused.value.code == "E510"


async def test_the_topic_is_made_by_the_first_operation_and_kept_for_ever(backend, connection, id_):
    async with AuditTopic(connection) as topic:
        await topic.append(Asked(operation=id_, at=datetime.now(UTC), wish="pause", who="a"))
    asked = ConfigResource(ConfigResource.Type.TOPIC, AUDIT)
    admin = AdminClient({"bootstrap.servers": backend.bootstrap})
    (answer,) = admin.describe_configs([asked]).values()
    config = answer.result(10)
    assert (config["retention.ms"].value, config["retention.bytes"].value) == ("-1", "-1")
    assert config["cleanup.policy"].value == "delete"
    assert len(admin.list_topics(AUDIT, timeout=10).topics[AUDIT].partitions) == 1

"""What an operation gives to a service again arrives once, in the order of its keys, whatever interrupts the sender.

The sender is a real process that a SIGKILL ends in the middle; another one takes the operation up from what the audit
topic says, reads back what the first has sent, and sends the rest. Nothing of what it did is in memory.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from farandole.delivery import Coordinates, Replay
from farandole.errors import OperationError, OversizeError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.topics import create, private_topics
from farandole.operations import AuditTopic, Began, Ended, Redelivery, Resumed
from farandole.private_topics import PrivateTopics
from given_again import send_all, sending

COUNT = 1_500
SENDER = Path(__file__).with_name("given_again.py")


@pytest.fixture
def connection(backend) -> Connection:
    return Connection(bootstrap=backend.bootstrap, client_id="test")


@pytest.fixture
async def service(connection) -> str:
    name = f"svc{uuid.uuid4().hex[:8]}"
    await create(connection, private_topics(PrivateTopics(service=name, tiers=0), partitions=3))
    return name


def arrived(connection: Connection, service: str) -> dict[int, list]:
    log, topic = LogReader(connection), f"{service}.redelivery"
    partitions = [one for one in log.partitions() if one.topic == topic]
    ends = log.ends(partitions)
    found: dict[int, list] = {one.number: [] for one in partitions}
    for records in log.records({one: Span(start=0, end=ends[one]) for one in partitions}):
        for one in records:
            found[one.coordinates.partition].append(one)
    return found


def values(found: dict[int, list]) -> list[int]:
    return [int(one.value.split()[1]) for records in found.values() for one in records]


def any_of(key: bytes, records: list) -> bool:
    return any(one.key == key for one in records)


def kill_in_the_middle(arguments: list[str]) -> None:
    process = subprocess.Popen([sys.executable, str(SENDER), *arguments], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) >= 300:
            break
    process.kill()
    process.wait()


async def test_a_sender_that_was_killed_is_taken_up_by_another_and_each_is_sent_once(backend, connection, service):
    id_ = uuid.uuid4().hex
    await asyncio.to_thread(kill_in_the_middle, [backend.bootstrap, service, id_, str(COUNT)])
    before = len(values(arrived(connection, service)))
    assert 300 <= before < COUNT, "it was killed in the middle"

    await send_all(backend.bootstrap, service, id_, COUNT)

    found = arrived(connection, service)
    assert sorted(values(found)) == list(range(COUNT))
    for key in {one.key for records in found.values() for one in records}:
        (lane,) = ([one for one in records if one.key == key] for records in found.values() if any_of(key, records))
        assert (mine := values({0: lane})) == sorted(mine)
    async with AuditTopic(connection) as topic:
        told = [one.record for one in await topic.read(operation=id_)]
    assert [type(one) for one in told] == [Began, Resumed, Ended]
    assert told[0].begun.why == "a bug was fixed"
    assert told[2].counts["sent"] <= COUNT - before


async def test_what_arrives_is_the_original_with_what_only_a_redelivery_may_say(connection, service):
    async with Redelivery(connection, service=service, operation="op-1") as redelivery:
        again = Replay(id="r-1", effects=True)
        failed = Coordinates(topic="orders", partition=0, offset=4)
        await redelivery.send([sending(4, attempt=3, first_failed=failed, replay=again)])
    ((record,),) = [records for records in arrived(connection, service).values() if records]
    assert (record.key, record.value) == (b"4", b"value 4")
    told = [(name, value) for name, value in record.headers if not name.startswith("ce_")]
    assert told == [
        ("team", b"blue"),
        ("team", b"green"),
        ("farandole_attempt", b"3"),
        ("farandole_round", b"3"),
        ("farandole_origin", b"orders|1|4"),
        ("farandole_first_failed", b"orders|0|4"),
        ("farandole_operation", b"op-1"),
        ("farandole_replay", b"r-1"),
        ("farandole_effects", b"1"),
    ]
    assert dict(record.headers)["ce_id"] == b"e4"


async def test_events_without_a_key_keep_the_order_of_their_partition(connection, service):
    async with Redelivery(connection, service=service, operation="op-2") as redelivery:
        await redelivery.send([sending(number, key=b"") for number in range(60)])
    lanes = {}
    for partition, records in arrived(connection, service).items():
        for number in values({0: records}):
            lanes.setdefault(number % 3, []).append((partition, number))
    for lane in lanes.values():
        assert len({partition for partition, _ in lane}) == 1
        assert lane == sorted(lane)


async def test_what_other_operations_sent_is_not_taken_for_ones_own(connection, service):
    async with Redelivery(connection, service=service, operation="op-3") as theirs:
        marks = await theirs.marks()
        await theirs.send([sending(1), sending(2)])
    async with Redelivery(connection, service=service, operation="op-4") as ours:
        await ours.send([sending(2)])
        sent = await ours.sent(marks)
        assert not sent.has(sending(1).origin)
        assert sent.has(sending(2).origin)
        assert len(await ours.sent(await ours.marks())) == 0


async def test_nobody_guesses_what_was_sent_where_the_topic_has_forgotten_it(connection, service):
    async with Redelivery(connection, service=service, operation="op-5") as redelivery:
        with pytest.raises(OperationError) as forgotten:
            await redelivery.sent({0: 12})
    assert forgotten.value.code == "E517"


async def test_a_record_that_no_private_topic_takes_is_refused_before_anything_is_sent(connection, service):
    huge = sending(2)
    huge = type(huge)(
        record=type(huge.record)(
            coordinates=huge.origin, key=b"k", value=b"x" * 1_100_000, headers=(), appended=huge.record.appended
        ),
        envelope=huge.envelope,
        origin=huge.origin,
    )
    async with Redelivery(connection, service=service, operation="op-6") as redelivery:
        with pytest.raises(OversizeError):
            await redelivery.send([sending(1), huge])
    assert values(arrived(connection, service)) == []


async def test_a_service_that_is_not_on_the_mesh_is_named(connection):
    with pytest.raises(OperationError) as unknown:
        async with Redelivery(connection, service="nobody", operation="op-7"):
            pass
    assert unknown.value.code == "E518"
    assert "nobody.redelivery" in unknown.value.what

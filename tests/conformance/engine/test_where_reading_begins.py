"""Where a group begins to read, on a real Kafka: at the beginning once, and never beyond what it has not read unsaid.

A client that is told "earliest" skips what retention removed without a word. So the offset of a first start is
committed at once, and whatever lacks an offset later, or has one that the log has not, is looked at: what is gone is
named with its topic, partition, offsets and count, and counted, and reading goes on where the log begins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from farandole.testing.backend import Backend
from group import Group, Neighbour
from structlog.testing import capture_logs


@pytest_asyncio.fixture
async def group(backend: Backend) -> AsyncIterator[Group]:
    async with Group(backend.bootstrap, partitions=1) as one:
        yield one


def forget_before(backend: Backend, group: Group, offset: int) -> None:
    """Do what retention does."""
    admin = AdminClient({"bootstrap.servers": backend.bootstrap})
    for removed in admin.delete_records([TopicPartition(group.topic, 0, offset)]).values():
        removed.result(10)


async def handled(group: Group, offsets: list[int]) -> Neighbour:
    """Join, wait for these offsets, finish them, and wait until that is committed."""
    member = group.join()
    await member.ask("always")
    await member.until(lambda: [offset for _, offset in member.got] == offsets)
    await group.until_committed([offsets[-1] + 1])
    return member


async def test_a_group_without_an_offset_begins_at_the_beginning_and_commits_that(group: Group) -> None:
    member = group.join()
    await member.until(lambda: member.held == 1)
    await group.until_committed([0])
    group.send(0)
    await member.until(lambda: member.got == [(0, 0)])
    assert (await member.status())["lost_to_retention"] == 0


async def test_a_new_group_on_an_old_topic_has_lost_nothing(backend: Backend, group: Group) -> None:
    group.send(0, 0, 0)
    forget_before(backend, group, 2)
    member = await handled(group, [2])
    assert (await member.status())["lost_to_retention"] == 0


async def test_what_retention_removed_while_nobody_read_is_named(backend: Backend, group: Group) -> None:
    group.send(0, 0)
    await (await handled(group, [0, 1])).leave()
    group.send(0, 0, 0, 0)
    forget_before(backend, group, 5)
    with capture_logs() as told:
        member = await handled(group, [5])
    assert (await member.status())["lost_to_retention"] == 3
    (loud,) = [one for one in told if one["log_level"] == "critical"]
    assert (loud["topic"], loud["partition"], loud["asked"], loud["start"]) == (group.topic, 0, 2, 5)
    assert "3 records" in loud["error"]
    assert "2 to 4" in loud["error"]


async def test_a_first_record_that_waited_for_too_long_is_named_too(backend: Backend, group: Group) -> None:
    """Nothing was ever finished of this partition, and yet the group was there before the records were."""
    member = group.join()
    await member.until(lambda: member.held == 1)
    await group.until_committed([0])
    await member.leave()
    group.send(0, 0)
    forget_before(backend, group, 1)
    member = await handled(group, [1])
    assert (await member.status())["lost_to_retention"] == 1


async def test_what_retention_removed_while_a_partition_was_paused_is_named(backend: Backend, group: Group) -> None:
    group.send(0)
    member = await handled(group, [0])
    await member.ask("pause", 0)
    await member.until_paused()
    group.send(0, 0, 0)
    forget_before(backend, group, 3)
    await member.ask("resume", 0)
    await member.until(lambda: member.got == [(0, 0), (0, 3)])
    assert (await member.status())["lost_to_retention"] == 2
    await group.until_committed([4])


async def test_an_offset_beyond_the_end_of_the_log_is_told_and_the_log_read_from_its_beginning(group: Group) -> None:
    """The topic was made again, or its brokers lost its end: better twice, as what was handled is dropped, than not."""
    group.send(0)
    await (await handled(group, [0])).leave()
    group.commit(3)
    with capture_logs() as told:
        await handled(group, [0])
    (loud,) = [one for one in told if one["log_level"] == "critical"]
    assert "ends at 1, before 3" in loud["error"]

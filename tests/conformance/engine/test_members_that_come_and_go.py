"""Members of one group that join, leave, are killed and frozen, as processes on a real Kafka.

Whoever holds a partition decides about it. What a member had in hand when it lost the partition is abandoned: finishing
it later commits nothing, however late the member hears of its loss. A reason to wait belongs to the partition: it
outlives every rebalance, and ends when it ends. And nobody waits longer for a member that is gone than he has to.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from farandole.testing.backend import Backend
from group import Group

LONG_SESSION = 60.0
AT_ONCE = 30.0
"""Far less than the session that must not be waited for; a start of Python alone may take seconds on a busy machine."""


@pytest_asyncio.fixture
async def group(backend: Backend) -> AsyncIterator[Group]:
    async with Group(backend.bootstrap) as one:
        yield one


async def test_a_killed_process_that_is_started_again_has_its_partitions_back_at_once(group: Group) -> None:
    first = await group.join_from_afar(instance="only", session=LONG_SESSION)
    await first.until(lambda: first.held == 2)
    await first.kill()
    began = time.monotonic()
    again = group.join(instance="only", session=LONG_SESSION)
    await again.until(lambda: again.held == 2)
    assert time.monotonic() - began < AT_ONCE


@pytest.mark.parametrize("instances", [("", ""), ("a", "b")], ids=["without instances", "with instances"])
async def test_a_member_that_stops_leaves_its_partitions_to_the_others_at_once(
    group: Group, instances: tuple[str, str]
) -> None:
    first, second = (group.join(session=LONG_SESSION, instance=one) for one in instances)
    await first.until(lambda: first.held == 1)
    await second.until(lambda: second.held == 1)
    began = time.monotonic()
    await first.leave()
    await second.until(lambda: second.held == 2)
    assert time.monotonic() - began < AT_ONCE


async def test_what_a_killed_process_had_in_hand_comes_again_elsewhere(group: Group) -> None:
    killed = await group.join_from_afar(instance="killed")
    await killed.until(lambda: killed.held == 2)
    group.send(0, 1)
    await killed.until(lambda: len(killed.got) == 2)
    await killed.kill()
    other = group.join(instance="other")
    await other.ask("always")
    await group.until_committed([1, 1])
    assert sorted(other.got) == [(0, 0), (1, 0)]


async def test_what_a_frozen_process_finishes_after_its_loss_commits_nothing(group: Group) -> None:
    frozen = await group.join_from_afar()
    await frozen.until(lambda: frozen.held == 2)
    group.send(0, 1)
    await frozen.until(lambda: len(frozen.got) == 2)
    frozen.freeze()
    other = group.join()
    await other.until(lambda: len(other.got) == 2)
    frozen.thaw()
    await frozen.ask("finish")
    await frozen.until(lambda: frozen.count("ended") == 2)
    await frozen.until(lambda: frozen.held == 1)
    assert group.committed() == [0, 0]
    left = (await frozen.status())["left"]
    assert left["reason"] == "silent"
    assert "stood still" in left["why"]
    for member in (frozen, other):
        await member.ask("always")
    await group.until_committed([1, 1])


async def test_of_two_with_one_instance_one_goes_on_without_it_and_says_so(group: Group) -> None:
    older = await group.join_from_afar(instance="same", session=LONG_SESSION)
    await older.until(lambda: older.held == 2)
    group.send(0, 1)
    await older.until(lambda: len(older.got) == 2)
    older.freeze()
    newer = group.join(instance="same", session=LONG_SESSION)
    await newer.until(lambda: len(newer.got) == 2)
    older.thaw()
    await older.ask("finish")
    await older.until(lambda: older.held == 1)
    await newer.until(lambda: newer.held == 1)
    assert group.committed() == [0, 0]
    left = (await older.status())["left"]
    assert left["reason"] == "fenced"
    assert "another process took the place of same" in left["why"]


async def visit(group: Group) -> None:
    """Join, take a partition, and leave."""
    guest = group.join()
    await guest.until(lambda: guest.held == 1)
    await guest.leave()


async def test_a_paused_partition_stays_paused_when_it_goes_away_and_comes_back(group: Group) -> None:
    first = group.join()
    await first.ask("always")
    await first.until(lambda: first.held == 2)
    for partition in (0, 1):
        await first.ask("pause", partition)
    for _ in range(2):
        await visit(group)
        await first.until(lambda: first.held == 2)
    assert first.count("ended") == 2
    group.send(0, 1)
    await first.ask("resume", 0)
    await first.until(lambda: first.got == [(0, 0)])
    group.send(0)
    await first.until(lambda: first.got == [(0, 0), (0, 1)])
    await first.ask("resume", 1)
    await first.until(lambda: first.got == [(0, 0), (0, 1), (1, 0)])


async def test_a_partition_that_comes_after_it_was_asked_to_wait_waits(group: Group) -> None:
    first = group.join()
    await first.ask("always")
    await first.until(lambda: first.held == 2)
    guest = group.join()
    await guest.until(lambda: guest.held == 1)
    (away,) = guest.partitions
    kept = 1 - away
    await first.ask("pause", away)
    await guest.leave()
    await first.until(lambda: first.held == 2)
    group.send(away, kept)
    await first.until(lambda: (kept, 0) in first.got)
    group.send(kept)
    await first.until(lambda: (kept, 1) in first.got)
    assert first.got == [(kept, 0), (kept, 1)]
    await first.ask("resume", away)
    await first.until(lambda: first.got == [(kept, 0), (kept, 1), (away, 0)])


async def test_a_pause_whose_reason_ended_while_the_partition_was_away_is_over(group: Group) -> None:
    first = group.join()
    await first.ask("always")
    await first.until(lambda: first.held == 2)
    for partition in (0, 1):
        await first.ask("pause", partition)
    guest = group.join()
    await guest.until(lambda: guest.held == 1)
    for partition in (0, 1):
        await first.ask("resume", partition)
    await guest.leave()
    await first.until(lambda: first.held == 2)
    group.send(0, 1)
    await first.until(lambda: sorted(first.got) == [(0, 0), (1, 0)])


async def test_everything_is_finished_while_members_come_go_and_are_killed(group: Group) -> None:
    steady = group.join()
    doomed = await group.join_from_afar()
    for member in (steady, doomed):
        await member.ask("always")
    await doomed.until(lambda: doomed.held == 1)
    group.send(0, 1)
    guest = group.join()
    await guest.ask("always")
    group.send(0, 1)
    await doomed.kill()
    group.send(0, 1)
    await guest.leave()
    group.send(0, 1)
    await group.until_committed([4, 4])
    everyone = {*steady.got, *doomed.got, *guest.got}
    assert everyone == {(partition, offset) for partition in (0, 1) for offset in range(4)}

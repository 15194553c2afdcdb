"""Redis is away: stopped, cut off, half-open, slow, out of memory, its disk full, wiped, or another one.

A real service on a real Kafka stands before a real Redis behind a proxy. With an inbox it goes on as if nothing were
wrong, far beyond what it may have in flight; what fails there waits in memory, and only its own partition stands still.
Without an inbox it stands still as a whole, says so, and goes on where it stood. Whatever it was, at the end every
question has one answer, every effect is there once, and the ledger has nothing open: nothing is lost or stranded.
"""

from __future__ import annotations

import asyncio

import pytest
from answering import Answering
from breakable_redis import BreakableRedis
from world import message

MANY = 60
FAULTS = pytest.mark.parametrize("fault", BreakableRedis.FAULTS)
KINDS = pytest.mark.parametrize("stored", [False, True], ids=["without an inbox", "with an inbox"])
pytestmark = pytest.mark.mesh


def questions(mine, prefix: str, count: int = MANY):
    return [message(mine.asked(thing=f"{prefix}-{number}")) for number in range(count)]


async def warm(world, answering: Answering) -> None:
    """Let the service handle one event, so that what breaks breaks under a running service."""
    await world.start()
    await world.send(*questions(answering.mine, "warm", 1))
    await world.until(lambda: len(world.read(answering.topic)) == 1)


@FAULTS
async def test_with_an_inbox_successes_go_on_without_a_bound_and_a_failure_waits(run, mine, redis, fault):
    answering = Answering(mine, stored=True)
    answering.failures["bad"] = 1
    world = run(answering)
    await warm(world, answering)
    connections = redis.proxy.accepted

    await redis.break_(fault)
    await world.send(*questions(mine, "away"))
    await world.eventually(lambda: len(world.read(answering.topic)) == MANY + 1 and world.lag() == 0)
    assert world.session.unavailable is not None

    await world.send(message(mine.asked(thing="bad")))
    await world.eventually(lambda: answering.runs["bad"] == 1)
    (partition,) = (number for number, names in answering.partitions.items() if "bad" in names)
    await world.send(*questions(mine, "behind"))
    await world.eventually(lambda: sum(name.startswith("behind") for name in answering.partitions[1 - partition]) > 10)
    assert world.read(f"{mine.tag}.retry.1") == []
    assert world.lag() > 0

    await redis.mend(fault)
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == 2 * MANY + 2)
    await world.nothing_open()
    assert answering.runs["bad"] == 2
    assert await answering.count_effects(world) == 2 * MANY + 2
    assert world.read(f"{mine.tag}.dlq") == []
    assert redis.proxy.accepted - connections <= 25, "nobody storms a Redis that comes back"


@pytest.mark.parametrize("fault", [one for one in BreakableRedis.FAULTS if one != "slow"])
async def test_without_an_inbox_nothing_goes_on_it_says_so_and_goes_on_when_redis_is_back(run, mine, redis, fault):
    answering = Answering(mine, stored=False)
    world = run(answering)
    await warm(world, answering)

    await redis.break_(fault)
    await world.send(*questions(mine, "away"))
    await world.eventually(lambda: world.session.unavailable is not None)
    assert str(world.status()["ledger"]).startswith("the ledger in Redis is away: ")
    assert len(world.read(answering.topic)) == 1

    await redis.mend(fault)
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == MANY + 1)
    await world.nothing_open()
    assert set(answering.runs.values()) == {1}


async def test_without_an_inbox_a_slow_redis_slows_and_stops_nothing(run, mine, redis):
    answering = Answering(mine, stored=False)
    world = run(answering)
    await warm(world, answering)

    await redis.break_("slow")
    await world.send(*questions(mine, "slow", 3))
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == 4)
    assert world.session.unavailable is None
    assert set(answering.runs.values()) == {1}


@KINDS
async def test_replies_that_are_lost_change_nothing(run, mine, redis, stored):
    """The script ran; its reply is lost, so the same exchange is sent again and gets the same answers."""
    answering = Answering(mine, stored=stored)
    answering.failures["bad"] = 1
    world = run(answering)
    await warm(world, answering)

    for number in range(5):
        await redis.lose_replies(2)
        await world.send(message(mine.asked(thing=f"lost-{number}")))
        await world.until(lambda: len(answering.answered(world.read(answering.topic))) == number + 2)  # noqa: B023
    await redis.lose_replies(3)
    await world.send(message(mine.asked(thing="bad")))
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == 7)
    await world.nothing_open()
    assert {name: count for name, count in answering.runs.items() if count != 1} == {"bad": 2}


@KINDS
async def test_a_wipe_in_the_middle_of_the_work_loses_nothing(run, mine, redis, stored):
    answering = Answering(mine, stored=stored)
    world = run(answering)
    await warm(world, answering)
    answering.held["held-0"] = asyncio.Event()

    await world.send(message(mine.asked(thing="held-0")), *questions(mine, "wiped"))
    await world.eventually(lambda: answering.runs["held-0"] == 1)
    await redis.wipe()
    answering.held["held-0"].set()
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == MANY + 2)
    await world.nothing_open()
    if stored:
        assert await answering.count_effects(world) == MANY + 2


@KINDS
async def test_a_failover_to_a_replica_that_lags_loses_nothing(run, mine, redis, stored):
    answering = Answering(mine, stored=stored)
    world = run(answering)
    await warm(world, answering)
    await redis.fail_over_to_a_lagging_replica()
    answering.held["held-0"] = asyncio.Event()

    await world.send(message(mine.asked(thing="held-0")), *questions(mine, "lagged"))
    await world.eventually(lambda: answering.runs["held-0"] == 1)
    await redis.promote()
    answering.held["held-0"].set()
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == MANY + 2)
    await world.nothing_open()
    if stored:
        assert await answering.count_effects(world) == MANY + 2


async def test_a_crash_while_redis_is_away_loses_nothing_and_strands_nobody(run, mine, redis):
    """What was claimed before Redis went, and handled without it, is claimed for ever; that harms nobody.

    A copy is dropped, and the retry of a later attempt, as a redrive or a replay sends it, finds the inbox.
    """
    answering = Answering(mine, stored=True)
    world = run(answering)
    await warm(world, answering)
    answering.held["held-0"] = asyncio.Event()
    held = message(mine.asked(thing="held-0"))
    await world.send(held)
    await world.eventually(lambda: answering.runs["held-0"] == 1)

    await redis.break_("cut")
    answering.held["held-0"].set()
    await world.send(*questions(mine, "away"))
    await world.until(lambda: len(world.read(answering.topic)) == MANY + 2)
    await world.crash()
    await redis.mend("cut")
    await world.start()

    again = held.__class__(
        topic=f"{mine.tag}.redelivery",
        key=held.key,
        value=held.value,
        headers=(*held.headers, ("farandole_attempt", b"1")),
    )
    await world.send(held, *questions(mine, "after"))
    await world.until(lambda: len(answering.answered(world.read(answering.topic))) == 2 * MANY + 2)
    assert len(await world.ledger.entries()) == 1, "the one that was claimed before Redis went"
    await world.send(again)
    await world.until(lambda: world.lag() == 0)
    await world.nothing_open()
    assert set(answering.runs.values()) == {1}
    assert await answering.count_effects(world) == 2 * MANY + 2

"""Kafka is away: cut off, half-open, slow, killed, or its disk is full.

Nothing is accepted as done that Kafka has not acknowledged: a handler that ran keeps its inbox row, its claim and its
offset, and what it answers is published when the broker is back. Whoever brings something by HTTP is answered 202 all
the while, from the outbox, which waits in the database and not in memory. Afterwards everything is there, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from answering import Answering
from breakable_kafka import BreakableKafka
from farandole.kafka import publisher as publisher_module
from farandole.ledger import State
from world import message

MANY = 40
NOTES = [f"note-{number}" for number in range(MANY)]
pytestmark = pytest.mark.mesh


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[BreakableKafka]:
    async with BreakableKafka(tmp_path / "kafka") as started:
        yield started


async def in_the_middle_of_it(world, answering: Answering, mine) -> None:
    """Leave the service with one event in hand, which it may handle when it is let."""
    await world.start()
    await world.send(message(mine.asked(thing="warm")))
    assert await world.notes("warm") == {202}
    await world.until(lambda: len(world.read(answering.topic)) == len(world.read(mine.noted.avro.topic)) == 1)
    answering.held["held"] = asyncio.Event()
    await world.send(message(mine.asked(thing="held")))
    await world.eventually(lambda: answering.runs["held"] == 1)


async def everything_came_of_it(world, answering: Answering, mine, *, once: bool = True) -> None:
    await world.send(*(message(mine.asked(thing=f"after-{number}")) for number in range(5)))
    await world.until(
        lambda: (
            len(answering.answered(world.read(answering.topic))) == 7
            and len(answering.answered(world.read(mine.noted.avro.topic))) == MANY + 1
        )
    )
    notes = answering.answered(world.read(mine.noted.avro.topic))
    assert set(notes) == {"warm", *NOTES}
    if once:
        # Of the answers one may be there twice, under one id: where the group had put the service out meanwhile.
        assert set(notes.values()) == {1}
    assert await answering.count_effects(world) == 7
    assert set(answering.runs.values()) == {1}
    assert await world.store.outbox.oldest(1) == []
    assert world.read(f"{mine.tag}.dlq") == []
    await world.nothing_open()


@pytest.mark.parametrize("fault", ["cut", "half-open", "killed", "disk full"])
async def test_nothing_is_done_that_is_not_acknowledged_and_http_takes_what_comes(run, mine, kafka, fault):
    answering = Answering(mine, stored=True)
    world = run(answering, backend=kafka.backend, bootstrap=kafka.bootstrap)
    await in_the_middle_of_it(world, answering, mine)

    await kafka.break_(fault)
    async with asyncio.timeout(20):
        assert await world.notes(*NOTES) == {202}
    answering.held["held"].set()
    await world.eventually(lambda: world.status()["brokers"] != "ok" or fault == "half-open")
    async with asyncio.timeout(20):
        while await answering.count_effects(world) < 2:  # noqa: ASYNC110 - a row, which tells nobody
            await asyncio.sleep(0.01)
    assert [entry.state for entry in (await world.ledger.entries()).values()] == [State.CLAIMED]
    assert len(await world.store.outbox.oldest(500)) == MANY
    assert not world.runtime.relay.idle

    await kafka.mend(fault)
    await everything_came_of_it(world, answering, mine)
    assert world.status()["brokers"] == "ok"


async def test_a_slow_broker_is_not_away(run, mine, kafka):
    answering = Answering(mine, stored=True)
    world = run(answering, backend=kafka.backend, bootstrap=kafka.bootstrap)
    await in_the_middle_of_it(world, answering, mine)

    await kafka.break_("slow")
    answering.held["held"].set()
    assert await world.notes(*NOTES) == {202}
    await everything_came_of_it(world, answering, mine)


async def test_a_broker_that_is_away_for_longer_than_the_client_tries_loses_nothing(run, mine, kafka, monkeypatch):
    """The client gives up what it was given; the delivery waits and the relay tries again, with the same ids."""
    monkeypatch.setattr(publisher_module, "DELIVERED_WITHIN", timedelta(seconds=1))
    answering = Answering(mine, stored=True)
    world = run(answering, backend=kafka.backend, bootstrap=kafka.bootstrap)
    await in_the_middle_of_it(world, answering, mine)
    paused: list[str] = []
    monkeypatch.setattr(world.runtime.metrics, "paused", lambda _topic, _partition, reason: paused.append(reason))

    await kafka.break_("cut")
    assert await world.notes(*NOTES) == {202}
    answering.held["held"].set()
    await world.eventually(lambda: len(paused) >= 2)
    assert "did not acknowledge" in paused[0]
    assert len(world._publisher._producer) <= MANY + 1

    await kafka.mend("cut")
    await everything_came_of_it(world, answering, mine, once=False)

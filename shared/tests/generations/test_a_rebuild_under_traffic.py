"""A read model is rebuilt while it is used.

A service that counts events overlooks every third one. The bug is mended, and its store is built again from history, on
a real Kafka and on SQLite and PostgreSQL, while events go on happening and its API is asked without a pause. It must
answer every time, never with a lower number than before, and in the end with the number of the events on the topic.
Then the operator goes back, forth, and removes what is no longer needed.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import pytest
from farandole.errors import OperationError, UsageError
from farandole.generations.entry import Entry, Kind
from farandole.read_model import Generation, Opening
from farandole.store import Store
from read_model_world import SOMEBODY, Bug, Replica, World, until, world_of

pytestmark = pytest.mark.mesh
HISTORY = 600
ALL = os.environ.get("FARANDOLE_LONG") == "1"
LONG = pytest.mark.skipif(not ALL, reason="two of these run always; FARANDOLE_LONG=1 runs the others")


class Asking:
    """Asks a replica again and again, and remembers what it says."""

    def __init__(self, replica: Replica, world: World, *, goes_on: bool = True) -> None:
        self.answers: list[int | None] = []
        self._replica = replica
        self._world = world
        self._tasks = [asyncio.create_task(self._ask())]
        if goes_on:
            self._tasks.append(asyncio.create_task(self._go_on()))

    async def many(self, *, while_held: Bug) -> None:
        """Ask many times while whoever feeds the next generation is held up."""

        async def is_held() -> bool:
            return while_held.held > 0

        async def is_asked() -> bool:
            return len(self.answers) > before + 600

        await until(is_held, lambda: "nobody feeds it")
        before = len(self.answers)
        await until(is_asked, lambda: "not often enough")

    async def _ask(self) -> None:
        while True:
            self.answers.append(await self._replica.count())
            await asyncio.sleep(0.002)

    async def _go_on(self) -> None:
        while True:
            await self._world.happen(3)
            await asyncio.sleep(0.01)

    async def end(self) -> list[int]:
        for one in self._tasks:
            one.cancel()
        await asyncio.wait(self._tasks)
        for one in self._tasks:
            assert one.cancelled(), one.exception()
        numbers = [one for one in self.answers if one is not None]
        assert len(numbers) == len(self.answers), "it did not answer every time"
        return numbers


async def test_every_answer_is_complete_while_a_store_is_rebuilt(backend, url) -> None:
    if url.startswith("sqlite") and not ALL:
        pytest.skip("on SQLite the next one runs always; FARANDOLE_LONG=1 runs this one too")
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        world.bug.is_there = True
        await world.happen(HISTORY)
        await replica.until(HISTORY * 2 // 3)
        world.bug.is_there = False
        asking = Asking(replica, world)

        plan = await operator.rebuild()
        await until(lambda: _answers_from(replica, plan.generation), lambda: f"still {replica.generation}")
        numbers = await asking.end()

        assert numbers == sorted(numbers), "a number went down"
        await replica.until(world.sent)
        assert plan.records >= HISTORY
        assert operator.told[-1][0] == operator.told[-1][1]
        assert await operator.rebuilding.served(timedelta(seconds=5)) == (world.name,)


async def test_a_generation_that_was_not_built_to_its_end_is_not_answered_from_before_it_is_whole(
    backend, tmp_path
) -> None:
    """As after a switch that a slow replica hears late: much has happened since that only the old store knows."""
    async with (
        world_of(backend, f"sqlite:///{tmp_path / 'tally.db'}") as world,
        world.replica() as replica,
        world.operator() as operator,
    ):
        await world.happen(HISTORY)
        await replica.until(HISTORY)
        asking = Asking(replica, world)
        await operator.log.ensure()
        begun = Entry(kind=Kind.BEGUN, service=world.name, generation=2, at=world.now(), by="somebody")
        await operator.log.append(begun)
        world.bug.gate = asyncio.Event()
        await operator.rebuilding.switch(2, SOMEBODY)
        await asking.many(while_held=world.bug)
        assert replica.generation == 1
        world.bug.gate.set()
        await until(lambda: _answers_from(replica, 2), lambda: f"still {replica.generation}")
        numbers = await asking.end()
        assert numbers == sorted(numbers), "a number went down"
        await replica.until(world.sent)


@LONG
async def test_going_back_answers_from_the_old_store_which_has_caught_up_first(backend, url) -> None:
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        world.bug.is_there = True
        await world.happen(90)
        await replica.until(60)
        world.bug.is_there = False
        await operator.rebuild()
        await replica.until(90)
        await world.happen(30)
        await replica.until(120)

        asking = Asking(replica, world, goes_on=False)
        world.bug.gate = asyncio.Event()
        await operator.rebuilding.switch(await operator.rebuilding.back(), SOMEBODY)
        await asking.many(while_held=world.bug)
        assert replica.generation == 2
        await asking.end()
        world.bug.gate.set()

        await until(lambda: _answers_from(replica, 1), lambda: f"still {replica.generation}")
        assert await replica.count() == 60 + 30


@LONG
async def test_what_is_dropped_is_gone_and_cannot_be_gone_back_to(backend, url) -> None:
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        await world.happen(30)
        await replica.until(30)
        with pytest.raises(UsageError, match="no generation to go back to"):
            await operator.rebuilding.back()
        await operator.rebuild()
        await until(lambda: _answers_from(replica, 2), lambda: f"still {replica.generation}")

        await operator.rebuilding.drop(1, SOMEBODY, within=timedelta(seconds=20))

        assert await operator.rebuilding.droppable() == ()
        with pytest.raises(UsageError):
            await operator.rebuilding.back()
        assert await replica.count() == 30
        assert await _rows(world, Generation(number=1)) == 0


@LONG
async def test_a_generation_that_a_process_holds_is_not_removed(backend, url) -> None:
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        await world.happen(30)
        await replica.until(30)
        first = Opening(generation=Generation(number=1), settings=world.settings, built=True)
        slow = await operator.subject.open(first)
        await operator.rebuild()
        await until(lambda: _answers_from(replica, 2), lambda: f"still {replica.generation}")
        with pytest.raises(OperationError, match="still held"):
            await operator.rebuilding.drop(1, SOMEBODY, within=timedelta(seconds=1))
        with pytest.raises(UsageError, match="no generation to go back to"):
            await operator.rebuilding.back()
        await slow.close()
        await operator.rebuilding.drop(1, SOMEBODY, within=timedelta(seconds=30))
        assert await replica.count() == 30


@LONG
async def test_a_rebuild_that_is_cancelled_ends_and_leaves_nothing(backend, url) -> None:
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        await world.happen(60)
        await replica.until(60)
        world.bug.breaks_after = 0
        building = asyncio.create_task(operator.build())
        async with world.operator() as another:
            await until(lambda: _is_building(another), lambda: "nothing is being built")
            number = await another.rebuilding.cancel(SOMEBODY)
            with pytest.raises(OperationError, match="no longer to be had"):
                await building
            await another.rebuilding.drop(number, SOMEBODY, within=timedelta(seconds=20))
        assert await replica.count() == 60
        assert replica.generation == 1
        world.bug.breaks_after = None
        assert (await operator.rebuilding.plan(None)).generation == 3


@LONG
async def test_a_history_may_begin_at_a_moment(backend, url) -> None:
    async with world_of(backend, url) as world, world.replica() as replica, world.operator() as operator:
        await world.happen(30)
        await replica.until(30)
        await asyncio.sleep(0.01)
        moment = world.now()
        await asyncio.sleep(0.01)
        await world.happen(12)
        await replica.until(42)
        plan = await operator.rebuild(since=moment)
        assert plan.records == 12
        await until(lambda: _answers_from(replica, 2), lambda: f"still {replica.generation}")
        await replica.until(12)


async def _answers_from(replica: Replica, generation: int) -> bool:
    await replica.count()
    return replica.generation == generation


async def _is_building(operator) -> bool:
    return (await operator.rebuilding.standing()).building is not None


async def _rows(world: World, generation: Generation) -> int:
    """Open a generation anew, and return how much is in it."""
    service = world.service
    assert service.tables is not None
    store = Store(world.url, metadata=(service.tables,), service=world.name, generation=generation)
    await store.open()
    try:
        async with store.reading() as work:
            return len((await work.execute(service.tables.tables["seen"].select())).all())
    finally:
        await store.close()

"""Who comes through a door when more want to than may: first runs and reruns in turn, never more than there is room.

The door stands alone here, with breakers in memory and a clock of its own; visitors are let in and leave one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import TypeVar

from farandole import Dependency
from farandole.breaker import Kind, MemoryBreakers, Phase
from farandole.breaker.breakers import Change
from farandole.engine.door import Door
from farandole.engine.ports import Partition
from farandole.engine.visitor import Permit, Visitor
from farandole.metrics import Metrics
from farandole.testing import ManualClock

SECOND = timedelta(seconds=1)
T = TypeVar("T")


class Wall(ManualClock):
    """A clock that somebody may set; what sleeps by it does not notice."""

    set_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.set_by

    def advance(self, duration: timedelta) -> None:
        self.move_to(super().now() + duration)


class Slow(MemoryBreakers):
    """Answers when it is told to."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.answers = asyncio.Event()
        self.answers.set()

    async def change(self, dependency: str, change: Change[T]) -> T:
        answer = await super().change(dependency, change)
        await self.answers.wait()
        return answer


class Street:
    """A door with whoever stands before it."""

    def __init__(self, places: int) -> None:
        self.clock, self.servers = Wall(), Wall()
        self.breakers = Slow(self.servers)
        self.door = Door(
            Dependency("gateway", concurrency=places),
            breakers=self.breakers,
            clock=self.clock,
            metrics=Metrics("inventory"),
            holder="h",
        )

    def come(self, *, rerun: bool = False) -> asyncio.Task[Permit | None]:
        visitor = Visitor(
            partition=Partition(topic="orders", number=0), rerun=rerun, failures=0, lasts=30 * SECOND, hold=nullcontext
        )
        return asyncio.ensure_future(self.door.enter(visitor))

    async def pass_time(self, duration: timedelta) -> None:
        self.clock.advance(duration)
        self.servers.advance(duration)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def until(self, what: Callable[[], bool]) -> None:
        for _ in range(100):
            if what():
                return
            await self.pass_time(timedelta(milliseconds=50))
        raise AssertionError("it never came")


@asynccontextmanager
async def street(places: int) -> AsyncGenerator[Street]:
    there = Street(places)
    keeper = asyncio.ensure_future(there.door.run())
    try:
        first = there.come()
        await there.settle()
        there.door.leave(_permit(first), Kind.SUCCESS)
        await there.settle()
        yield there
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


def _permit(one: asyncio.Task[Permit | None]) -> Permit:
    permit = one.result()
    assert permit is not None
    return permit


async def test_a_rerun_has_its_turn_although_first_runs_never_cease():
    async with street(2) as there:
        inside = [there.come(), there.come()]
        outside = [there.come() for _ in range(5)]
        rerun = there.come(rerun=True)
        await there.settle()
        for _ in range(50):
            there.door.leave(_permit(inside.pop(0)), Kind.SUCCESS)
            outside.append(there.come())
            await there.pass_time(timedelta(milliseconds=20))
            inside += [one for one in outside if one.done()]
            outside = [one for one in outside if not one.done()]
            if rerun.done():
                break
        assert rerun.done()
        for one in outside:
            one.cancel()


async def test_there_are_never_more_inside_than_there_are_places():
    async with street(2) as there:
        there.breakers.answers.clear()
        reruns = [there.come(rerun=True) for _ in range(2)]
        await there.settle()
        await there.pass_time(timedelta(milliseconds=500))
        firsts = [there.come() for _ in range(2)]
        await there.settle()
        there.breakers.answers.set()
        await there.settle()
        inside = [one for one in (*reruns, *firsts) if one.done()]
        assert len(inside) == 2
        for one in inside:
            there.door.leave(_permit(one), Kind.SUCCESS)
        await there.until(lambda: all(one.done() for one in (*reruns, *firsts)))


async def all_come_through(there: Street, waiting: list[asyncio.Task[Permit | None]]) -> bool:
    for _ in range(200):
        for one in [each for each in waiting if each.done()]:
            waiting.remove(one)
            there.door.leave(_permit(one), Kind.SUCCESS)
        await there.pass_time(timedelta(milliseconds=50))
    return waiting == []


async def test_whoever_waits_is_heard_although_this_machines_clock_was_set_back():
    async with street(2) as there:
        waiting = [there.come(rerun=True) for _ in range(20)]
        await there.settle()
        there.clock.set_by = -3600 * SECOND
        assert await all_come_through(there, waiting)


async def test_whoever_waits_is_heard_although_the_servers_clock_was_set_back():
    async with street(2) as there:
        waiting = [there.come(rerun=True) for _ in range(20)]
        await there.settle()
        there.servers.set_by = -3600 * SECOND
        assert await all_come_through(there, waiting)


async def test_an_outage_ends_although_the_servers_clock_was_set_back():
    async with street(10) as there:
        inside = [there.come() for _ in range(10)]
        await there.settle()
        for one in inside:
            there.door.leave(_permit(one), Kind.FAILURE)
        await there.settle()
        assert there.door.session.phase is Phase.OPEN
        there.servers.set_by = -3600 * SECOND
        assert await all_come_through(there, [there.come() for _ in range(20)])

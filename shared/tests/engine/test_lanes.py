"""One lane a key: what shares a key keeps its order, what does not runs side by side; assignments can be dropped."""

from __future__ import annotations

import asyncio

from farandole.engine.lanes import Lanes, Work


class Bench:
    """Work that waits for a gate and writes down when it ran."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.lanes = Lanes(self.failures.append)
        self.done: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def put(self, lane: str, name: str, *, assignment: int = 1) -> None:
        self.gates[name] = asyncio.Event()

        async def run() -> None:
            await self.gates[name].wait()
            self.done.append(name)

        self.lanes.put(lane, Work(assignment=assignment, run=run))

    async def open(self, *names: str) -> None:
        for name in names:
            self.gates[name].set()
        for _ in range(10):
            await asyncio.sleep(0)


async def test_work_of_one_lane_runs_in_its_order():
    bench = Bench()
    for name in ("a1", "a2", "a3"):
        bench.put("a", name)
    await bench.open("a3", "a2")
    assert bench.done == []
    await bench.open("a1")
    assert bench.done == ["a1", "a2", "a3"]


async def test_work_of_other_lanes_does_not_wait():
    bench = Bench()
    bench.put("a", "a1")
    bench.put("b", "b1")
    await bench.open("b1")
    assert bench.done == ["b1"]


async def test_a_lane_that_ran_dry_begins_again():
    bench = Bench()
    bench.put("a", "a1")
    await bench.open("a1")
    bench.put("a", "a2")
    await bench.open("a2")
    assert bench.done == ["a1", "a2"]


async def test_an_abandoned_assignment_is_dropped_while_the_rest_of_its_lane_goes_on():
    bench = Bench()
    bench.put("a", "running", assignment=1)
    bench.put("a", "waiting", assignment=1)
    bench.put("a", "other", assignment=2)
    await bench.open()
    bench.lanes.abandon(1)
    await bench.open("other")
    assert bench.done == ["other"]
    await bench.open("running", "waiting")
    assert bench.done == ["other"]


async def test_abandoning_cancels_what_runs():
    lanes, ended = Lanes(lambda _: None), asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    lanes.put("a", Work(assignment=7, run=run))
    await asyncio.sleep(0)
    lanes.abandon(7)
    async with asyncio.timeout(1):
        await ended.wait()


async def test_a_lane_that_is_abandoned_before_it_began_serves_the_next_assignment():
    bench = Bench()
    bench.put("a", "dropped", assignment=1)
    bench.lanes.abandon(1)
    await bench.open("dropped")
    bench.put("a", "next", assignment=2)
    await bench.open("next")
    assert bench.done == ["next"]


async def test_work_that_keeps_its_cancellation_to_itself_does_not_hand_it_to_the_next():
    bench, cancelling = Bench(), []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            bench.done.append("stubborn")

    async def next_one() -> None:
        task = asyncio.current_task()
        cancelling.append(task.cancelling() if task else -1)

    bench.lanes.put("a", Work(assignment=1, run=stubborn))
    bench.lanes.put("a", Work(assignment=2, run=next_one))
    await bench.open()
    bench.lanes.abandon(1)
    await bench.open()
    assert (bench.done, cancelling) == (["stubborn"], [0])


async def test_a_lane_that_fails_says_so():
    bench = Bench()

    async def run() -> None:
        raise ValueError("not foreseen")

    bench.lanes.put("a", Work(assignment=1, run=run))
    await bench.open()
    assert [str(one) for one in bench.failures] == ["not foreseen"]

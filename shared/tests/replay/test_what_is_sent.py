"""A run sends exactly what its plan chose, each record once, as fast as it may, and minds what it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from farandole.audit.standing import Standing
from farandole.audit.trace import trace_of
from farandole.delivery import Coordinates, Delivery, Record
from farandole.engine.ports import Partition
from farandole.engine.size import MOST_PRIVATE_BYTES
from farandole.envelope import Envelope
from farandole.kafka.log_reader import Span
from farandole.operations import Sending, Sent
from farandole.replay.brake import Brake, Traffic
from farandole.replay.chosen import Choosing
from farandole.replay.counts import Counts
from farandole.replay.judging import Heard, Judged
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.receipt import Progress
from farandole.replay.running import CancelledByOperator, Running, Wishes
from farandole.testing import ManualClock

HELD = 20
CHOSEN = tuple(offset for offset in range(HELD) if offset % 4 != 3)
CALM = Traffic(live_lag=0, outstanding=0)


@dataclass
class Log:
    """A log of one partition."""

    values: dict[int, bytes] = field(default_factory=dict)

    def records(self, spans: Mapping[Partition, Span]) -> Iterator[list[Record]]:
        for span in spans.values():
            middle = (span.start + span.end) // 2
            yield [self.record(offset) for offset in range(span.start, middle)]
            yield [self.record(offset) for offset in range(middle, span.end)]

    def record(self, offset: int) -> Record:
        return record(offset, self.values.get(offset, b"v"))


@dataclass
class Memory:
    """What became of each event, by its offset; what is not named was missed."""

    standings: dict[int, Standing] = field(default_factory=dict)

    def heard(self, one: Record) -> Heard:
        envelope = Envelope(
            id=f"e{one.coordinates.offset}", type="t", source="s", subject="", time="", correlation_id=""
        )
        delivery = Delivery(record=one, envelope=envelope, service="x", origin=one.coordinates)
        return Heard(delivery=delivery, trace=trace_of(delivery), handler=SimpleNamespace())

    async def judged(self, traces: Sequence[Any]) -> dict[bytes, Judged]:
        return {one.key: Judged(standing=self.standings.get(one.offset, Standing.LOST), attempt=3) for one in traces}


@dataclass
class Topic:
    """The redelivery topic."""

    sendings: list[Sending] = field(default_factory=list)
    after: Callable[[int], None] = lambda _count: None

    async def send(self, sendings: Sequence[Sending]) -> None:
        self.sendings += sendings
        self.after(len(self.sendings))

    @property
    def offsets(self) -> list[int]:
        return [one.origin.offset for one in self.sendings]


@dataclass
class Lookout:
    """What is seen of the service: the traffic of each look, the last one for ever."""

    traffic: list[Traffic] = field(default_factory=lambda: [CALM])

    async def look(self) -> Traffic:
        return self.traffic.pop(0) if len(self.traffic) > 1 else self.traffic[0]


def record(offset: int, value: bytes = b"v") -> Record:
    return Record(
        coordinates=Coordinates(topic="t", partition=0, offset=offset),
        key=b"k",
        value=value,
        headers=(),
        appended=datetime(2026, 1, 1, tzinfo=UTC),
    )


@dataclass
class Run:
    """A run of a plan whose parts are here to be looked at."""

    mode: Mode = Mode.MISSING
    rate: float = 1_000
    brake: Brake = field(default_factory=lambda: Brake(usual_lag=0))
    log: Log = field(default_factory=Log)
    memory: Memory = field(default_factory=Memory)
    topic: Topic = field(default_factory=Topic)
    lookout: Lookout = field(default_factory=Lookout)
    wishes: Wishes = field(default_factory=Wishes)
    clock: ManualClock = field(default_factory=ManualClock)
    told: list[str] = field(default_factory=list)
    paused: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        choosing = Choosing()
        for offset in CHOSEN:
            choosing.add(Coordinates(topic="t", partition=0, offset=offset))
        plan = Plan(
            id="20260101T000000-00000000",
            service="x",
            mode=self.mode,
            effects=False,
            cascade=self.mode is Mode.AGAIN,
            with_not_provable=False,
            rate=self.rate,
            selection={},
            cluster="c",
            topics={},
            spans=(),
            digest="",
            made=self.clock.now(),
            by="",
            counts=Counts(matched=0, fates={}, types={}, first=None, last=None, runs=()),
        )
        self.running = Running(
            plan,
            choosing.chosen(),
            log=self.log,
            judging=self.memory,
            redelivery=self.topic,
            lookout=self.lookout,
            brake=self.brake,
            wishes=self.wishes,
            clock=self.clock,
            tell=self._tell,
        )

    def _tell(self, _progress: Progress, why: str) -> None:
        self.told.append(why)
        if why == "paused":
            self.paused.set()

    async def to_its_end(self, sent: Sent | None = None) -> timedelta:
        """Run it, advancing the clock whenever it waits; return how long it took by that clock."""
        began, task = self.clock.now(), asyncio.create_task(self.running.send_all(sent or Sent()))
        for _ in range(10_000):
            await asyncio.sleep(0.001 if self.clock.next_wake is None else 0)
            if task.done():
                break
            if self.clock.next_wake is not None:
                self.clock.move_to(self.clock.next_wake)
        await asyncio.wait_for(task, 1)
        return self.clock.now() - began


async def test_what_was_not_chosen_is_not_sent() -> None:
    run = Run()
    await run.to_its_end()
    assert run.topic.offsets == list(CHOSEN)
    assert {one.attempt for one in run.topic.sendings} == {3}
    assert {one.replay for one in run.topic.sendings} == {None}


async def test_what_an_earlier_process_sent_is_not_sent_again_and_counts_as_sent() -> None:
    run, sent = Run(), Sent()
    for offset in CHOSEN[:5]:
        sent.add(Coordinates(topic="t", partition=0, offset=offset))
    sent.add(Coordinates(topic="t", partition=0, offset=CHOSEN[6]), "another")
    await run.to_its_end(sent)
    assert run.topic.offsets == list(CHOSEN[5:])
    assert (run.running.progress.sent, run.running.progress.left) == (len(CHOSEN), 0)
    assert [one.attempt for one in run.running.sent] == [2] * 5 + [3] * (len(CHOSEN) - 5)


async def test_what_was_handled_since_the_plan_is_counted_apart() -> None:
    run = Run(memory=Memory({0: Standing.DONE, 1: Standing.DONE, 2: Standing.RETRYING, 3: Standing.DONE}))
    await run.to_its_end()
    assert run.topic.offsets == list(CHOSEN[3:])
    assert run.running.progress.since == {"handled": 2, "on_their_way": 1}
    assert run.running.progress.left == 0


async def test_again_does_not_ask_what_became_of_it_and_carries_the_replay() -> None:
    run = Run(mode=Mode.AGAIN, memory=Memory(dict.fromkeys(CHOSEN, Standing.DONE)))
    await run.to_its_end()
    assert run.topic.offsets == list(CHOSEN)
    (replay,) = {one.replay for one in run.topic.sendings}
    assert replay is not None
    assert {one.attempt for one in run.topic.sendings} == {0}
    assert (replay.id, replay.effects, replay.cascade) == ("20260101T000000-00000000", False, True)
    assert {one.replay_id for one in run.running.sent} == {replay.id}


@pytest.mark.parametrize("mode", Mode)
async def test_what_turns_out_too_large_is_left_out_and_named_and_the_rest_is_sent(mode: Mode) -> None:
    run = Run(mode=mode, log=Log({4: b"v" * MOST_PRIVATE_BYTES}))
    await run.to_its_end()
    assert run.topic.offsets == [one for one in CHOSEN if one != 4]
    progress = run.running.progress
    assert (progress.since, progress.left) == ({"too_large": 1}, 0)
    assert progress.too_large == (str(record(4).coordinates),)


async def test_it_keeps_to_its_rate() -> None:
    assert timedelta(seconds=6) <= await Run(rate=2).to_its_end() <= timedelta(seconds=9)


async def test_it_waits_for_live_traffic_and_says_so() -> None:
    behind = Traffic(live_lag=1_203, outstanding=0)
    run = Run(lookout=Lookout([behind, behind, behind, CALM]))
    await run.to_its_end()
    assert "waiting for live traffic: 1,203 behind" in run.told
    assert run.topic.offsets == list(CHOSEN)


async def test_no_more_is_out_than_the_brake_allows() -> None:
    run = Run(brake=Brake(usual_lag=0, most_outstanding=4))
    committed, most = 0, 0

    def sent(count: int) -> None:
        nonlocal most
        most = max(most, count - committed)
        run.lookout.traffic = [Traffic(live_lag=0, outstanding=count - committed)]

    def told(_progress: Progress, why: str) -> None:
        nonlocal committed
        if why.startswith("waiting"):
            committed += 1
            sent(len(run.topic.sendings))

    run.topic.after = sent
    run.running._tell = told
    await run.to_its_end()
    assert run.topic.offsets == list(CHOSEN)
    assert most == 4


async def test_a_paused_run_sends_nothing_until_it_is_resumed() -> None:
    run = Run(rate=5)
    run.topic.after = lambda count: run.wishes.take("pause") if count == 4 else None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run.to_its_end(), 0.5)
    assert len(run.topic.sendings) == 4
    assert "paused" in run.told


async def test_a_resumed_run_goes_on() -> None:
    run = Run(rate=5)
    run.topic.after = lambda count: run.wishes.take("pause") if count == 4 else None
    going = asyncio.create_task(run.to_its_end())
    await run.paused.wait()
    run.topic.after = lambda _count: None
    run.wishes.take("resume")
    await going
    assert run.topic.offsets == list(CHOSEN)


async def test_a_cancelled_run_ends_and_nothing_takes_that_back() -> None:
    run = Run(rate=5)

    def cancel(_count: int) -> None:
        run.wishes.take("cancel")
        run.wishes.take("resume")

    run.topic.after = cancel
    with pytest.raises(CancelledByOperator):
        await run.to_its_end()
    assert len(run.topic.sendings) == run.running.progress.sent == 1


async def test_a_cancelled_run_counts_what_an_earlier_process_sent_wherever_it_lies() -> None:
    run, sent = Run(), Sent()
    for offset in CHOSEN[-5:]:
        sent.add(Coordinates(topic="t", partition=0, offset=offset))
    run.wishes.take("cancel")
    with pytest.raises(CancelledByOperator):
        await run.to_its_end(sent)
    assert run.topic.sendings == []
    assert (run.running.progress.sent, len(run.running.sent)) == (5, 5)

"""A redrive sends what of its plan is still there, once, and counts that: not what it meant to send.

One event may have two dead letters, its own and that of a replay: they lie at one origin, and both are sent. Whoever
goes on with a redrive that was killed answers for what was sent before, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from farandole.delivery import Delivery, Record, Replay
from farandole.desk.letter import Letter
from farandole.desk.redrive_plan import RedrivePlan, bare, planned, sent_before
from farandole.desk.redriving import Redriving
from farandole.engine.ports import Partition
from farandole.envelope import Envelope
from farandole.operations import Outcome, Pace, Sending, Sent
from farandole.testing import ManualClock
from lettered import BEGAN, SUBJECT, case, letter

DEAD = Partition(topic="s.dlq", number=0)


def of(offset: int, *, event: int | None = None, replay_id: str = "", attempt: int = 0) -> Letter:
    """Return the letter at an offset, of an event whose origin has the event's number."""
    event = offset if event is None else event
    made = letter(attempt, offset)
    subject = replace(SUBJECT, key=f"{event}/{replay_id}".encode(), event_id=f"e{event}", replay_id=replay_id)
    return replace(made, subject=subject, origin=replace(made.origin, offset=event))


@dataclass
class Desk:
    """The letters that are still there, what was sent of them, and what became of it."""

    letters: Sequence[Letter]
    became: Mapping[str, Outcome] = field(default_factory=dict)
    sendings: list[Sending] = field(default_factory=list)

    async def records(self, _spans: object) -> AsyncIterator[Record]:
        for one in self.letters:
            yield Record(coordinates=one.coordinates, key=None, value=b"", headers=(), appended=BEGAN)

    def delivery(self, record: Record) -> Delivery:
        one = next(one for one in self.letters if bare(one.coordinates) == bare(record.coordinates))
        return Delivery(
            record=record,
            envelope=Envelope(id=one.subject.event_id, type="t", source="shop", subject="", time="", correlation_id=""),
            service="s",
            origin=one.origin,
            replay=Replay(id=one.subject.replay_id) if one.subject.replay_id else None,
        )

    async def send(self, sendings: Sequence[Sending]) -> None:
        self.sendings += sendings

    async def wait(self, given: Sequence[Any], **_: object) -> Mapping[Any, Outcome]:
        return {one: self.became.get(one.event_id, Outcome.DONE) for one in given}

    def redriving(self) -> Redriving:
        pace: Any = Pace(1_000, ManualClock())
        here: Any = self
        return Redriving(here, here, here, pace=pace, wait=timedelta(0), tell=lambda _count, _what: None)

    @property
    def sent(self) -> list[tuple[int, str]]:
        return [(one.origin.offset, "" if one.replay is None else one.replay.id) for one in self.sendings]


def plan_of(*letters: Letter) -> RedrivePlan:
    return planned("s", [case(one) for one in letters])


async def test_an_event_and_its_replay_are_two_letters_of_one_origin() -> None:
    letters = [of(0, event=7), of(1, event=7, replay_id="r1"), of(2, event=7, replay_id="r2")]
    desk, before = Desk(letters), Sent()
    before.add(letters[1].origin, "r1")
    ended = await desk.redriving().run(plan_of(*letters), before=before)
    assert desk.sent == [(7, ""), (7, "r2")]
    assert (ended.sent, ended.unsent, ended.is_settled) == (3, 0, True)


async def test_a_letter_that_is_gone_was_not_sent() -> None:
    desk = Desk([of(0)])
    ended = await desk.redriving().run(plan_of(of(0), of(1)))
    assert (ended.counts["sent"], ended.counts["unsent"], ended.counts["done"]) == (1, 1, 1)
    assert not ended.is_settled


async def test_what_still_waits_is_not_settled() -> None:
    desk = Desk([of(0), of(1)], {"e1": Outcome.WAITING})
    ended = await desk.redriving().run(plan_of(of(0), of(1)))
    assert (ended.sent, ended.unsent, ended.is_settled) == (2, 0, False)


async def test_behind_a_canary_that_failed_nothing_is_sent() -> None:
    letters = [of(0), of(1), of(2)]
    desk = Desk(letters, {"e0": Outcome.DEAD})
    ended = await desk.redriving().run(plan_of(*letters), canary=1)
    assert (desk.sent, ended.sent, ended.unsent) == ([(0, "")], 1, 2)
    assert "2 were not sent" in ended.stopped


async def test_what_was_sent_before_a_kill_counts_though_it_is_planned_no_more() -> None:
    handled, dead_again, left = of(0), of(1), of(2)
    cases = [case(handled, handled=1), case(dead_again, of(9, event=1, attempt=1)), case(left), case(of(3))]
    before, plan = Sent(), plan_of(left)
    for one in (handled, dead_again):
        before.add(one.origin)
    earlier = sent_before(plan, cases, before, {DEAD: 4})
    assert [(one.event_id, one.attempt) for one in earlier] == [("e0", 1), ("e1", 1)]
    desk = Desk([left], {"e1": Outcome.DEAD})
    ended = await desk.redriving().run(plan, before=before, earlier=earlier)
    assert desk.sent == [(2, "")]
    assert (ended.sent, ended.unsent, ended.counts["done"], ended.counts["dead"]) == (3, 0, 2, 1)

"""RedrivePlan: which dead letters are sent again and as which attempt, and which are not and why. Pure, and frozen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farandole.delivery import Coordinates, Delivery
from farandole.desk.case import Case
from farandole.desk.letter import Letter
from farandole.desk.obstacle import to_redrive
from farandole.engine.ports import Partition
from farandole.kafka.log_reader import Span
from farandole.operations import Given, Sending, Sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """One letter that is sent again, as ``attempt``."""

    letter: Letter
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RedrivePlan:
    """What a redrive of ``service`` does: ``sends`` in the order of the log, and the others by the reason why not."""

    service: str
    sends: Sequence[Send]
    held: Mapping[str, int]

    @property
    def by_place(self) -> Mapping[Coordinates, Send]:
        """The letters to send, by where they lie."""
        return {bare(one.letter.coordinates): one for one in self.sends}

    @property
    def spans(self) -> Mapping[Partition, Span]:
        """What of the dead letters has to be read to send them."""
        return spans_of([one.letter.coordinates for one in self.sends])

    @property
    def types(self) -> Mapping[str, int]:
        """How many events of each type are sent."""
        return Counter(one.letter.subject.type for one in self.sends)

    def document(self) -> dict[str, Any]:
        """Return the plan as it is printed for programs."""
        return {
            "service": self.service,
            "send": len(self.sends),
            "types": self.types,
            "attempts": Counter(str(one.attempt) for one in self.sends),
            "edited": sum(one.letter.is_edited for one in self.sends),
            "not_sent": self.held,
        }


def planned(service: str, cases: Iterable[Case], *, force: bool = False) -> RedrivePlan:
    """Return the plan for these cases: of several letters of an event only the one that counts."""
    sends, held = list[Send](), Counter[str]()
    for case in cases:
        obstacle = to_redrive(case, force=force)
        if obstacle:
            held[obstacle] += 1
        else:
            entry = case.entry.attempt if case.entry is not None else 0
            sends.append(Send(letter=case.letter, attempt=max(case.letter.attempt, entry) + 1))
    sends.sort(key=lambda one: (one.letter.appended, one.letter.coordinates))
    return RedrivePlan(service=service, sends=sends, held=held)


def limited(plan: RedrivePlan, limit: int | None) -> RedrivePlan:
    """Return the first of a plan, at most so many."""
    if limit is None or len(plan.sends) <= limit:
        return plan
    held = {**plan.held, "beyond the limit": len(plan.sends) - limit}
    return RedrivePlan(service=plan.service, sends=plan.sends[:limit], held=held)


def confirmed(plan: RedrivePlan, cases: Iterable[Case], *, force: bool = False) -> RedrivePlan:
    """Return what of a plan still stands, as these cases are by now.

    A letter that was edited or put aside since the plan was made is not sent as it was then.
    """
    now = {bare(one.letter.coordinates): one for one in planned(plan.service, cases, force=force).sends}
    kept = [one for one in plan.sends if now.get(bare(one.letter.coordinates)) == one]
    changed = len(plan.sends) - len(kept)
    held = {**plan.held, "changed since the plan was made": changed} if changed else plan.held
    return RedrivePlan(service=plan.service, sends=kept, held=held)


def sent_before(
    plan: RedrivePlan, cases: Iterable[Case], before: Sent, ends: Mapping[Partition, int]
) -> Sequence[Given]:
    """Return what an interrupted redrive had sent of the letters before these ends, and the plan does not send."""
    sends, found = {one.letter.subject.key for one in plan.sends}, list[Given]()
    for case in cases:
        letters = [one for one in case.letters if _is_before(one.coordinates, ends)]
        # What it sent may be dead again by now: that letter lies beyond the ends.
        last = max(letters, key=lambda one: one.attempt, default=None)
        if last is None or last.subject.key in sends or not before.has(last.origin, last.subject.replay_id):
            continue
        subject = last.subject
        found.append(
            Given(
                source=subject.source,
                event_id=subject.event_id,
                attempt=last.attempt + 1,
                replay_id=subject.replay_id,
            )
        )
    return found


def sending(delivery: Delivery, send: Send) -> Sending:
    """Return a dead letter as it is sent again: its bytes, its key and its foreign headers as they are."""
    return Sending(
        record=delivery.record,
        envelope=delivery.envelope,
        origin=delivery.origin,
        attempt=send.attempt,
        first_failed=delivery.first_failed,
        replay=delivery.replay,
    )


def _is_before(at: Coordinates, ends: Mapping[Partition, int]) -> bool:
    return at.offset < ends.get(Partition(topic=at.topic, number=at.partition), 0)


def spans_of(places: Iterable[Coordinates]) -> Mapping[Partition, Span]:
    """Return the least spans that hold all these coordinates."""
    found: dict[Partition, Span] = {}
    for at in places:
        partition = Partition(topic=at.topic, number=at.partition)
        before = found.get(partition, Span(start=at.offset, end=at.offset + 1))
        found[partition] = Span(start=min(before.start, at.offset), end=max(before.end, at.offset + 1))
    return found


def bare(at: Coordinates) -> Coordinates:
    """Return coordinates without the topic's id, which not everybody knows who reads them."""
    return Coordinates(topic=at.topic, partition=at.partition, offset=at.offset)

"""Cycles: events whose answers lead back to them, with nothing that says why that ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farandole.choreography.score import Score, in_code, short
from farandole.contracts import Problem
from farandole.topology import Emission


def cycles(score: Score) -> Iterator[Problem]:
    """Yield every unbounded cycle once, at the handler that leads on from the event that comes first by name.

    A handler is bounded where the schema of the event that it hears says why: ``"bounded": {service: reason}``.
    """
    answers: dict[str, list[Emission]] = {}
    for one in score.topology.emissions:
        if one.answers is not None and one.service not in score.marks_of(one.answers).bounded:
            answers.setdefault(one.answers, []).append(one)
    told: set[str] = set()
    for event in sorted(answers):
        path = _back_to(event, answers)
        if path and not told & {one.event for one in path}:
            told |= {one.event for one in path}
            yield _problem(event, path)


def _back_to(event: str, answers: Mapping[str, list[Emission]]) -> tuple[Emission, ...]:
    """Return the shortest way from an event back to itself, breadth first; nothing where there is none."""
    ways: list[tuple[Emission, ...]] = [(one,) for one in answers[event]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        last = way[-1].event
        if last == event:
            return way
        if last not in seen:
            seen.add(last)
            ways += [(*way, one) for one in answers.get(last, ())]
    return ()


def _problem(event: str, path: tuple[Emission, ...]) -> Problem:
    way = " → ".join([short(event), *(f"{one.service} → {short(one.event)}" for one in path)])
    first = path[0]
    return in_code(
        first.place,
        "unbounded-cycle",
        f"a cycle without a bound: {way}",
        why="each event begets the next: one order could go round for ever",
        do=f'break it, or say in the schema of {short(event)} why it ends: "bounded": {{"{first.service}": "…"}}',
        services=[one.service for one in path],
    )

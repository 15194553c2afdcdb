"""Rules: events that nobody hears, emits or uses, topics with two writers, marks that are true no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from farandole.choreography.score import Score, in_code, in_marks, short
from farandole.contracts import Problem
from farandole.topology import Emission


def orphans(score: Score) -> Iterator[Problem]:
    """Yield every event that is emitted, heard by nobody, and not marked as such; at who emits it."""
    first = {one.event: one for one in reversed(score.topology.emissions)}
    for one in first.values():
        if not score.topology.hearers(one.event) and not score.marks_of(one.event).unheard:
            emitters = score.topology.emitters(one.event)
            yield in_code(
                one.place,
                "orphan-event",
                f"{short(one.event)} is emitted by {', '.join(emitters)} and heard by nobody",
                why="an event that nobody hears is work for nothing, or its hearer was forgotten",
                do='write its handler, or say why in its schema: "choreography": {"unheard": "…"}',
                services=emitters,
            )


def unfed(score: Score) -> Iterator[Problem]:
    """Yield every handler of an event that nobody emits."""
    for one in score.topology.hearings:
        if not score.topology.emitters(one.event) and not score.marks_of(one.event).unfed:
            yield in_code(
                one.place,
                "unfed-handler",
                f"{one.service} hears {short(one.event)}, which nobody emits",
                why="the handler never runs; what is sent from the outbox must be declared by service.emits",
                do='emit it, remove the handler, or say who does: "choreography": {"unfed": "…"} in the schema',
                services=(one.service,),
            )


def unused(score: Score) -> Iterator[Problem]:
    """Yield every event that has a schema, and that no service hears or emits."""
    for name, file in score.files.items():
        marks = score.marks_of(name)
        used = score.topology.hearers(name) or score.topology.emitters(name)
        if not used and not marks.unheard and not marks.unfed:
            yield Problem(
                file=file.path,
                line=file.line_of("name"),
                code="unused-event",
                what=f"{short(name)} is neither emitted nor heard",
                why="a schema without a writer and without a reader is a promise of nobody",
                do="use it, or remove the file; what is in the topic stays readable by ids.lock",
            )


def writers(score: Score) -> Iterator[Problem]:
    """Yield every topic that several services write, at the emissions of all but the one with most."""
    for topic in score.topology.topics:
        events = {one.fullname for one in score.topology.events if one.topic == topic}
        edges = [one for one in score.topology.emissions if one.event in events]
        names = sorted({one.service for one in edges}, key=lambda name: (-_count(edges, name), name))
        for name in names[1:]:
            first = next(one for one in edges if one.service == name)
            yield in_code(
                first.place,
                "two-writers",
                f"{name} writes {short(first.event)} to {topic}, which {names[0]} writes",
                why="a topic has one writer: who may change its events, and in which order they come, is else open",
                do=f"give the event a topic of its own, or have {names[0]} emit it",
                services=names,
            )


def stale(score: Score) -> Iterator[Problem]:
    """Yield every mark that is true no more."""
    for name in score.files:
        marks = score.marks_of(name)
        hearers, emitters = score.topology.hearers(name), score.topology.emitters(name)
        if marks.unheard and hearers:
            yield _stale(score, name, "unheard", f"{', '.join(hearers)} hears it", hearers)
        if marks.unfed and emitters:
            yield _stale(score, name, "unfed", f"{', '.join(emitters)} emits it", emitters)
        for service in marks.bounded:
            if not any(one.service == service and one.answers == name for one in score.topology.emissions):
                yield _stale(score, name, f"bounded/{service}", f"{service} answers no {short(name)}", ())


def _stale(score: Score, event: str, mark: str, why: str, services: tuple[str, ...]) -> Problem:
    what = f"{short(event)} is marked {mark.partition('/')[0]}, which is not so"
    return in_marks(score.files[event], mark, "stale-mark", what, why=why, do="take the mark out", services=services)


def _count(edges: Sequence[Emission], name: str) -> int:
    return sum(one.service == name for one in edges)

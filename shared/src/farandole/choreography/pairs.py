"""Pairs: what is declared to be taken back must be taken back by whoever did it."""

from __future__ import annotations

from collections.abc import Iterator

from farandole.choreography.score import Score, in_marks, short
from farandole.contracts import Problem


def missing(score: Score) -> Iterator[Problem]:
    """Yield every ``undone_by`` of an event whose emitter has no handler that does so."""
    for name, file in score.files.items():
        for when, undone_by in score.marks_of(name).undone_by.items():
            trigger, undoing = score.full(when), score.full(undone_by)
            unknown = [word for word, found in ((when, trigger), (undone_by, undoing)) if not found]
            if unknown:
                what = f"{short(name)} is undone by what there is not: {', '.join(unknown)}"
                why = "a mark names events of the mesh"
                yield in_marks(
                    file, f"undone_by/{when}", "bad-mark", what, why=why, do="correct the names", services=()
                )
                continue
            for service in score.topology.emitters(name):
                if not _answers(score, service, trigger, undoing):
                    yield in_marks(
                        file,
                        f"undone_by/{when}",
                        "missing-compensation",
                        f"{service} emits {short(name)}, and does not answer {when} with {undone_by}",
                        why=f"the schema says that {undone_by} takes {short(name)} back when {when} comes",
                        do=f"have {service} hear {when} and answer {undone_by}, or correct the mark",
                        services=(service,),
                    )


def _answers(score: Score, service: str, trigger: str, undoing: str) -> bool:
    edges = score.topology.emissions
    return any(one.service == service and one.answers == trigger and one.event == undoing for one in edges)

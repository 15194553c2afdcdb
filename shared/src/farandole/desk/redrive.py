"""Redrive: one redrive as the audit topic keeps it: what was chosen, up to where, and how it is to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from farandole.delivery import Coordinates
from farandole.desk.board import Board
from farandole.desk.case import Case
from farandole.desk.choice import Choice
from farandole.desk.redrive_plan import RedrivePlan, bare, planned
from farandole.engine.ports import Partition
from farandole.errors import OperationError, UsageError
from farandole.handler import Handler
from farandole.operations import Began, Ended, Noted
from farandole.operations.pace import LEAST_RATE, MOST_RATE
from farandole.schema import Catalogue

KIND = "redrive"
_MOST_LETTERS: Final = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Redrive:
    """What is sent: ``letters``, ``rate`` a second at most, ``canary`` of them first.

    They are those of ``what`` before ``ends`` that were open when it was confirmed. What was put aside then and is open
    again by now is none of them, so a redrive that goes on does not choose anew. ``what`` is kept to be shown, masked
    where it asks for something personal.
    """

    what: Choice
    ends: Mapping[Partition, int]
    letters: frozenset[Coordinates]
    canary: int = 0
    rate: float = 200.0
    force: bool = False

    @classmethod
    def of(
        cls,
        what: Choice,
        plan: RedrivePlan,
        board: Board,
        *,
        catalogue: Catalogue,
        canary: int,
        rate: float,
        force: bool,
    ) -> Redrive:
        """Return the redrive of this plan, made of ``what`` lies on the board, as it may be kept."""
        return cls(
            what=what.veiled(catalogue),
            ends=ends_of(board, plan, what),
            canary=canary,
            rate=rate,
            force=force,
            letters=frozenset(plan.by_place),
        )

    def left(self, service: str, cases: Iterable[Case]) -> RedrivePlan:
        """Return the plan of what is still open of its letters, and counts as it did then: not edited since."""
        meant = [one for one in cases if bare(one.letter.coordinates) in self.letters]
        return planned(service, meant, force=self.force)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `from_document` reads it again."""
        return {
            "what": self.what.document(),
            "ends": {f"{one.topic}|{one.number}": end for one, end in self.ends.items()},
            "canary": self.canary,
            "rate": self.rate,
            "force": self.force,
            "letters": _document(self.letters),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Redrive:
        """Read what `document` returned. Raises UsageError on anything else."""
        try:
            ends = {name.rpartition("|"): int(end) for name, end in document["ends"].items()}
            return cls(
                what=Choice.from_document(document["what"]),
                ends={Partition(topic=topic, number=int(number)): end for (topic, _, number), end in ends.items()},
                canary=int(document["canary"]),
                rate=_rate(document["rate"]),
                force=bool(document["force"]),
                letters=_letters(document["letters"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                "what the audit topic has of this redrive cannot be read",
                why=f"{type(error).__name__}: {error}",
                do="begin a new one: what was sent is not sent again",
                code="E558",
            ) from error


def _document(letters: Iterable[Coordinates]) -> dict[str, str]:
    """Return coordinates as offsets and runs of them, ``3,5-9``, by ``topic|partition``: there may be very many."""
    runs: dict[str, list[list[int]]] = {}
    for one in sorted(letters):
        told = runs.setdefault(f"{one.topic}|{one.partition}", [])
        if told and one.offset == told[-1][-1] + 1:
            told[-1] = [told[-1][0], one.offset]
        else:
            told.append([one.offset])
    return {where: ",".join("-".join(map(str, run)) for run in told) for where, told in runs.items()}


def _letters(document: Mapping[str, str]) -> frozenset[Coordinates]:
    found = list[Coordinates]()
    for where, told in document.items():
        topic, _, partition = where.rpartition("|")
        for run in told.split(","):
            first, _, last = run.partition("-")
            offsets = range(int(first), int(last or first) + 1)
            if len(found) + len(offsets) > _MOST_LETTERS:
                raise ValueError(f"more than {_MOST_LETTERS:,} letters")
            found += [Coordinates(topic=topic, partition=int(partition), offset=one) for one in offsets]
    return frozenset(found)


def _rate(told: Any) -> float:
    if not LEAST_RATE <= float(told) <= MOST_RATE:
        raise ValueError(f"{told} is no rate")
    return float(told)


def ends_of(board: Board, plan: RedrivePlan, what: Choice) -> Mapping[Partition, int]:
    """Return up to where the letters lie that are meant: as far as a board was read, or, with a limit, as was taken."""
    spans = board.spans if what.limit is None else plan.spans
    return {one: span.end for one, span in spans.items()}


def interrupted(records: Sequence[Noted], service: str) -> Sequence[Began]:
    """Return the redrives of a service that began and never ended, the oldest first."""
    ended = {one.record.operation for one in records if isinstance(one.record, Ended)}
    return [
        one.record
        for one in records
        if isinstance(one.record, Began)
        and (one.record.begun.kind, one.record.begun.service) == (KIND, service)
        and one.record.operation not in ended
    ]


def resumed(records: Sequence[Noted], operation: str) -> Began:
    """Return how an interrupted redrive began. Raises UsageError where there is none of that id, or it ended."""
    began = [one.record for one in records if isinstance(one.record, Began) and one.record.begun.kind == KIND]
    ended = any(isinstance(one.record, Ended) for one in records)
    if not began or ended:
        raise UsageError(
            f"there is no redrive {operation} to go on with",
            why="it ended" if began else "the audit topic has none of that id",
            do="farandole operations   shows what there was; a new redrive sends what is open now",
            code="E558",
        )
    return began[0]


def shut(plan: RedrivePlan, handlers: Mapping[str, Handler], away: AbstractSet[str]) -> Mapping[str, Sequence[str]]:
    """Return the dependencies that are away, each with the event types of the plan whose handlers need it."""
    found: dict[str, list[str]] = {}
    for name in plan.types:
        handler = handlers.get(name)
        for one in handler.depends_on if handler is not None else ():
            if one.name in away:
                found.setdefault(one.name, []).append(name.rpartition(".")[2])
    return found


def blocked(dependencies: Mapping[str, Sequence[str]]) -> OperationError:
    """Return the error that a redrive would only be held up by a breaker that is open."""
    first = next(iter(dependencies))
    return OperationError(
        f"{first} is away: its breaker is open",
        why=f"the handlers of {', '.join(dependencies[first])} need it; what is sent now only waits for it",
        do="farandole breakers   until it is closed, then again; or --force",
        code="E557",
    )


def nothing_to_send(plan: RedrivePlan) -> UsageError:
    """Return the error that a plan sends nothing, with the reasons."""
    why = "; ".join(f"{count}: {reason}" for reason, count in plan.held.items()) or "no dead letter is selected"
    return UsageError(
        f"nothing is to be sent again to {plan.service}",
        why=why,
        do=f"farandole dlq ls --service {plan.service} --all",
        code="E556",
    )

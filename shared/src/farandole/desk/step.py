"""Step: one thing that happened to an event with dead letters, as the private topics of its service tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farandole import headers as names
from farandole.dead_letters import discarding
from farandole.delivery import Delivery
from farandole.desk.letter import private_texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """``what`` happened at ``at`` (UTC): attempts failed, were given up or sent again; letters edited, put aside."""

    at: datetime
    attempt: int
    what: str
    where: str
    error_class: str = ""
    message: str = ""
    operation: str = ""

    def document(self) -> dict[str, Any]:
        """Return the step as it is printed for programs."""
        return {
            "at": self.at,
            "attempt": self.attempt,
            "what": self.what,
            "where": self.where,
            "error_class": self.error_class,
            "message": self.message,
            "operation": self.operation,
        }


def steps(deliveries: Iterable[Delivery], *, dead_letters: str) -> Sequence[Step]:
    """Return what happened, oldest first. A record that was published twice is told twice, as a copy."""
    told: set[tuple[int, str]] = set()
    found = []
    for one in sorted(deliveries, key=lambda each: (each.record.appended, each.coordinates)):
        step = _dead(one) if one.coordinates.topic == dead_letters else _on_its_way(one)
        name = step.attempt, step.what
        repeats = step.what in {"failed", "given up"} and name in told
        told.add(name)
        found.append(_copy(step) if repeats else step)
    return found


def _dead(delivery: Delivery) -> Step:
    discards = discarding(delivery)
    if discards is not None:
        return _step(delivery, delivery.attempt, "discarded" if discards else "opened again")
    return _step(delivery, delivery.attempt, "edited" if names.EDITED_FROM in private_texts(delivery) else "given up")


def _on_its_way(delivery: Delivery) -> Step:
    """A record with an error in it says how the attempt before failed; one without was sent by an operation."""
    if names.ERROR_CLASS in private_texts(delivery):
        return _step(delivery, max(0, delivery.attempt - 1), "failed")
    return _step(delivery, delivery.attempt, "sent again")


def _step(delivery: Delivery, attempt: int, what: str) -> Step:
    own = private_texts(delivery)
    tells = what in {"failed", "given up"}
    return Step(
        at=delivery.record.appended,
        attempt=attempt,
        what=what,
        where=str(delivery.coordinates),
        error_class=own.get(names.ERROR_CLASS, "") if tells else "",
        message=own.get(names.ERROR_MESSAGE, "") if tells else "",
        operation=delivery.operation,
    )


def _copy(step: Step) -> Step:
    return Step(
        at=step.at,
        attempt=step.attempt,
        what=f"{step.what}, published again",
        where=step.where,
        error_class=step.error_class,
        message=step.message,
        operation=step.operation,
    )

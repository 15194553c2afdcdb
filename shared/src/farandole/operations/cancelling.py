"""Cancelling: an operation that runs somewhere is asked to end for good; its process hears that in the audit topic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from farandole.errors import OperationError, UsageError
from farandole.operations.audit_record import Asked, Noted
from farandole.operations.audit_topic import AuditTopic
from farandole.operations.history import Course, courses
from farandole.operations.operation import Operation

HEAR: Final = frozenset({"redrive", "replay"})
"""The kinds whose process listens while it runs."""


async def ask_to_cancel(topic: AuditTopic, id_: str, asked: Operation) -> Course:
    """Ask whoever runs an operation to end it; ``asked`` says who asks, and why. What was sent by then stays sent.

    Raises UsageError where there is no such operation, OperationError where nothing is left to cancel.
    """
    found = courses(await topic.read(operation=id_))
    if not found:
        raise UsageError(
            f"there is no operation {id_}",
            why="the audit topic of this mesh does not have it",
            do="farandole operations ls   names them",
            code="E565",
        )
    (course,) = found
    demand_cancellable(course)
    who = asked.claimed or asked.who
    await topic.append(Asked(operation=id_, at=datetime.now(UTC), wish="cancel", who=who, why=asked.why))
    return course


def demand_cancellable(course: Course) -> None:
    """Return if an operation can be asked to end. Raises OperationError."""
    if course.stage.is_over or course.operation.kind not in HEAR:
        raise OperationError(
            f"{course.operation.id} cannot be cancelled",
            why=f"it is {course.stage.value} already"
            if course.stage.is_over
            else f"a {course.operation.kind} is over in a moment, or is ended in its own terminal",
            do=f"farandole operations show {course.operation.id}   shows what became of it",
            code="E566",
        )


async def cancelled(topic: AuditTopic, operation: str) -> Noted:
    """Return once somebody asks for the end of an operation, at any terminal or page."""
    async for one in topic.follow(Asked, operation=operation):
        if isinstance(one.record, Asked) and one.record.wish == "cancel":
            return one
    raise AssertionError("an audit topic is followed for ever")

"""Departure: why a consumer left its group, in words, and whether joining again can help."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from farandole.errors import MembershipError

AUTHORISATION: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


class Reason(StrEnum):
    """Why, as metrics label it."""

    SILENT = "silent"
    PUT_OUT = "put_out"
    MAX_POLL = "max_poll"
    FENCED = "fenced"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """The end of a membership."""

    reason: Reason
    error: MembershipError
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def of_loss(group: str, *, silence: timedelta, session: timedelta) -> Departure:
    """Return why a group gave this consumer's partitions away, given for how long its thread had not run before."""
    # The last heartbeat may have been on its way when the silence began.
    if silence < session / 2:
        error = MembershipError(
            f"the group {group} put this process out",
            why=f"its coordinator heard nothing from it for {session.total_seconds():g} s, though it ran",
            do="nothing: it joins again; if it happens often, look at the network, or raise FARANDOLE_SESSION",
            code="E321",
        )
        return Departure(reason=Reason.PUT_OUT, error=error)
    error = MembershipError(
        f"the group {group} put this process out while it stood still",
        why=f"it did nothing for {silence.total_seconds():.1f} s: stopped, swapped out, or starved of CPU",
        do="nothing: it joins again; what it had in hand is abandoned and delivered again",
        code="E322",
    )
    return Departure(reason=Reason.SILENT, error=error)


def of_error(group: str, error: KafkaError, *, instance: str) -> Departure:
    """Return what an error of the client means for the membership."""
    if error.code() in AUTHORISATION:
        return Departure(reason=Reason.REFUSED, error=_refused(group, error))
    if error.code() == KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001 - the client's own codes are named so
        return Departure(
            reason=Reason.MAX_POLL,
            error=MembershipError(
                f"the consumer left the group {group}",
                why=f"its thread did not poll for too long: {error.str()}",
                do="nothing: it joins again; look for what kept the whole process from running",
                code="E323",
            ),
        )
    if "fenced" in error.str():
        return Departure(
            reason=Reason.FENCED,
            error=MembershipError(
                f"another process took the place of {instance} in the group {group}",
                why="it has the same FARANDOLE_INSTANCE, and came later",
                do="give each replica one of its own; this process goes on as a member without one",
                code="E324",
            ),
        )
    return Departure(
        reason=Reason.FAILED,
        error=MembershipError(
            f"the consumer of the group {group} failed for good",
            why=error.str(),
            do="nothing: a new consumer takes its place",
            code="E325",
        ),
    )


def of_exception(group: str, thrown: Exception, *, instance: str) -> Departure:
    """Return what an exception in the consumer's thread means for the membership."""
    if isinstance(thrown, KafkaException) and isinstance(thrown.args[0], KafkaError):
        return of_error(group, thrown.args[0], instance=instance)
    return of_error(group, KafkaError(KafkaError._FAIL, f"{type(thrown).__name__}: {thrown}"), instance=instance)  # noqa: SLF001


def _refused(group: str, error: KafkaError) -> MembershipError:
    return MembershipError(
        f"the brokers refuse the group {group}",
        why=error.str(),
        do="let this service's user READ the group and the topics that it hears (docs/reference/topics.md); "
        "then start it again",
        code="E326",
        final=True,
    )

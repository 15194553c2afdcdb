"""Foreseeing: which follow-ons a replay would bring about, if all goes as the last time. Pure but for its counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from farandole.handler import Handler
from farandole.identity import follow_on_id
from farandole.replay.counts import Foreseen
from farandole.replay.declared import constant_answer, may_join
from farandole.replay.mode import Mode
from farandole.store.entry import StoredFollowOn


class Basis(Enum):
    """What told of a follow-on."""

    INBOX = "inbox"
    TOPICS = "topics"
    SIGNATURE = "signature"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A follow-on that is to be expected; ``event_id`` is None where its id cannot be told before."""

    type: str
    event_id: str | None
    basis: Basis


class OnTopics(Protocol):
    """What is known of the service's events on its topics."""

    def has(self, event_id: str) -> bool:
        """Tell whether an event of this id lies there."""
        ...

    def answers(self, event_id: str) -> Mapping[str, int]:
        """Return what was emitted when this event was handled, by type."""
        ...


class Nowhere:
    """Topics that nobody has read, as nobody needs to know what lies there."""

    def has(self, event_id: str) -> bool:  # noqa: ARG002
        """Nothing is known to lie there."""
        return False

    def answers(self, event_id: str) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing is known to be emitted."""
        return {}


NOWHERE: Final = Nowhere()


def expected(
    handler: Handler, event_id: str, *, service: str, kept: Sequence[StoredFollowOn] | None, topics: OnTopics
) -> Sequence[Expected] | None:
    """Return the follow-ons to expect of one run; None where nobody can tell.

    ``kept`` is what the inbox keeps of the event, None without a row. The inbox knows best, then the topics, then a
    signature that allows only one answer.
    """
    if kept is not None:
        return [Expected(type=one.type, event_id=one.event_id, basis=Basis.INBOX) for one in kept]
    told = topics.answers(event_id)
    if told:
        return [
            Expected(type=type_, event_id=_id(event_id, service, type_, ordinal), basis=Basis.TOPICS)
            for type_, count in told.items()
            for ordinal in range(count)
        ]
    constant = constant_answer(handler)
    if constant is None:
        return None
    joins = may_join(handler)
    return [
        Expected(
            type=event.avro.fullname,
            event_id=None if joins else _id(event_id, service, event.avro.fullname, ordinal),
            basis=Basis.SIGNATURE,
        )
        for event, count in constant.items()
        for ordinal in range(count)
    ]


class Foreseeing:
    """Adds up the follow-ons of the runs of one plan. Not thread-safe."""

    def __init__(self, *, service: str, mode: Mode, cascade: bool, topics: OnTopics = NOWHERE) -> None:
        self._service = service
        self._mode = mode
        self._cascade = cascade
        self._topics = topics
        self._counts: dict[str, Counter[str]] = {}
        self.unforeseen = 0

    def take(self, handler: Handler, event_id: str, kept: Sequence[StoredFollowOn] | None) -> None:
        """Add a run."""
        to_come = expected(handler, event_id, service=self._service, kept=kept, topics=self._topics)
        if to_come is None:
            self.unforeseen += 1
            return
        for one in to_come:
            counts = self._counts.setdefault(one.type, Counter())
            counts.update({"count": 1, one.basis.value: 1, "new": int(self._is_new(one))})

    def _is_new(self, one: Expected) -> bool:
        """Tell whether somebody downstream would see it for the first time."""
        if self._mode is Mode.AGAIN:
            return self._cascade
        if one.basis is Basis.TOPICS:
            return False
        return one.event_id is None or not self._topics.has(one.event_id)

    def foreseen(self) -> tuple[Foreseen, ...]:
        """Return the sums, by type."""
        return tuple(
            Foreseen(
                type=type_,
                count=counts["count"],
                new=counts["new"],
                from_inbox=counts[Basis.INBOX.value],
                from_topics=counts[Basis.TOPICS.value],
                from_signature=counts[Basis.SIGNATURE.value],
            )
            for type_, counts in sorted(self._counts.items())
        )


def _id(cause: str, service: str, type_: str, ordinal: int) -> str:
    return follow_on_id(cause=cause, service=service, event_type=type_, ordinal=ordinal)

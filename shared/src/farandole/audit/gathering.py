"""Gathering: puts together what Kafka, the ledger and the inbox say of a service's events, and has each judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from farandole.audit.books import Memory, ServiceBooks
from farandole.audit.evidence import Evidence, Place, Sighting
from farandole.audit.judge import Judgement, judge
from farandole.audit.land import Land
from farandole.audit.trace import Trace
from farandole.contexts import Windows
from farandole.engine.runtime import private_topics_of
from farandole.ledger import Entry, State, event_key
from farandole.service import Service

MARGIN: Final = timedelta(seconds=1)
"""How far the clocks of Kafka, of Redis and of this machine may be apart."""

Cases = dict[bytes, list[Trace]]
"""Events by their keys, each with its records."""
Judged = tuple[Judgement, Entry | None]


class Answers(Protocol):
    """What is known of the follow-ons once every record is read."""

    def is_answered(self, key: bytes) -> bool:
        """Tell whether anything was emitted for this cause (``answer_key``)."""
        ...

    def is_seen(self, key: bytes) -> bool:
        """Tell whether an event lies on a domain topic."""
        ...


class Gathering:
    """Judges the events of one service. ``away`` names the dependencies whose breakers are not closed."""

    def __init__(self, service: Service, books: ServiceBooks, *, windows: Windows, away: AbstractSet[str]) -> None:
        self._name = service.name
        self._handlers = {one.event.avro.fullname: one for one in service.handlers}
        self._dead_letters = private_topics_of(service).dead_letters
        self._books = books
        self._window = max(windows.ledger, windows.inbox) if books.has_inbox else windows.ledger
        self._away = away

    async def judged(self, cases: Cases, land: Land, answers: Answers | None) -> dict[bytes, Judged]:
        """Judge events by their records and by what is remembered of them.

        Raises LedgerUnavailableError and StoreUnavailableError.
        """
        if not cases:
            return {}
        memory = await self._books.recall(cases)
        unsettled = [traces[0] for key, traces in cases.items() if _is_unsettled(memory, key, traces[0])]
        published = await self._published(unsettled, land, answers)
        letters_kept = land.is_whole(self._dead_letters)
        found = {}
        for key, traces in cases.items():
            evidence = self._evidence(key, traces, memory, land, answers, letters_kept=letters_kept)
            if key in published:
                evidence = replace(evidence, is_published=published[key])
            found[key] = judge(evidence), memory.entries[key]
        return found

    def judged_by_entry(self, entry: Entry, land: Land) -> Judgement:
        """Judge an event of which no record is left, only what the ledger has open of it."""
        place = land.place(self._name, entry.coordinates)
        # An inbox may have handled it while Redis was away (ADR 0011), and have forgotten it since.
        settled_without = self._books.has_inbox and land.is_committed(self._name, entry.coordinates)
        return judge(
            Evidence(
                entry=entry,
                entry_place=place,
                letters_kept=land.is_whole(self._dead_letters),
                leaves_a_trace=not (settled_without and place is Place.DELETED),
            )
        )

    def _evidence(
        self,
        key: bytes,
        traces: Sequence[Trace],
        memory: Memory,
        land: Land,
        answers: Answers | None,
        *,
        letters_kept: bool,
    ) -> Evidence:
        entry, last = memory.entries[key], max(one.appended for one in traces)
        leaves_a_trace = self._leaves_a_trace(last, memory)
        return Evidence(
            sightings=tuple(
                Sighting(attempt=one.attempt, place=land.place(self._name, one.coordinates), heard=one.heard)
                for one in traces
                if not one.is_letter and one.discards is None
            ),
            dead=_dead(traces),
            is_discarded=_is_discarded(traces),
            entry=entry,
            entry_place=land.place(self._name, entry.coordinates) if entry else Place.DELETED,
            inbox=memory.rows.get(traces[0].inbox_key),
            letters_kept=letters_kept,
            leaves_a_trace=leaves_a_trace,
            is_answered=None if leaves_a_trace else self._is_answered(traces[0], land, answers),
            is_held_back=self._is_held_back(traces, entry, last),
        )

    async def _published(
        self, unsettled: Sequence[Trace], land: Land, answers: Answers | None
    ) -> Mapping[bytes, bool | None]:
        """Tell of handled events that nobody settled whether their follow-ons are all there, as far as can be seen."""
        if answers is None:
            return {one.key: None for one in unsettled}
        kept = await self._books.follow_ons(unsettled)
        return {
            key: all(
                answers.is_seen(event_key(self._name, one.event_id)) or not land.is_whole(one.topic)
                for one in follow_ons
            )
            for key, follow_ons in kept.items()
        }

    def _leaves_a_trace(self, appended: float, memory: Memory) -> bool:
        """Tell whether an event whose last record was appended then would be remembered, had it been handled."""
        oldest = datetime.now(UTC) - self._window + MARGIN
        if not self._books.has_inbox:
            if memory.ledger_began is None:
                return False
            oldest = max(oldest, memory.ledger_began + MARGIN)
        return appended > oldest.timestamp()

    def _is_answered(self, trace: Trace, land: Land, answers: Answers | None) -> bool | None:
        """Tell whether a follow-on was found; None where its absence would prove nothing."""
        handler = self._handlers.get(trace.type)
        if answers is None or handler is None or not handler.signature.emits or self._books.has_inbox:
            return None
        if trace.replay_id:
            return None  # it publishes nothing, and what is there was published for the event itself
        if answers.is_answered(answer_key(self._name, trace.event_id)):
            return True
        return False if all(land.is_whole(event.avro.topic) for event in handler.signature.emits) else None

    def _is_held_back(self, traces: Sequence[Trace], entry: Entry | None, appended: float) -> bool:
        handler = self._handlers.get(traces[0].type)
        if handler is None:
            return False
        if any(one.name in self._away for one in handler.depends_on):
            return True
        # Claimed for longer than its handler may run: it is held in memory, at the head of its key or behind it.
        longest = datetime.now(UTC) - handler.timeout - MARGIN
        return entry is not None and entry.state is State.CLAIMED and appended < longest.timestamp()


def _dead(traces: Sequence[Trace]) -> int | None:
    """Return the highest attempt that was given up; the mark of an operator outlives the letter that it is about."""
    return max((one.attempt for one in traces if one.is_letter or one.discards is not None), default=None)


def _is_discarded(traces: Sequence[Trace]) -> bool:
    """Tell whether the last word of an operator about the highest dead letter is that it is put aside."""
    dead = _dead(traces)
    marks = [one for one in traces if one.discards is not None and dead is not None and one.attempt >= dead]
    return bool(max(marks, key=lambda one: (one.appended, one.offset)).discards) if marks else False


def _is_unsettled(memory: Memory, key: bytes, trace: Trace) -> bool:
    entry, row = memory.entries[key], memory.rows.get(trace.inbox_key)
    return row is not None and row.is_handled and entry is not None and entry.state is not State.DONE


def answer_key(service: str, cause: str) -> bytes:
    """Return under which key it is noted that a service emitted something for a cause."""
    return event_key(service, cause)

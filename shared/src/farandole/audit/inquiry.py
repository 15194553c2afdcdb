"""Inquiry: the audit of one service: gathers the evidence of its events, has each judged, and keeps count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from farandole.audit.books import Memory, ServiceBooks
from farandole.audit.evidence import Evidence, Place, Sighting
from farandole.audit.judge import Judgement, judge
from farandole.audit.land import Land
from farandole.audit.standing import Standing
from farandole.audit.trace import Trace
from farandole.engine.runtime import heard_topics, private_topics_of
from farandole.handler import Handler
from farandole.ledger import Entry, State, event_key
from farandole.service import Service

MARGIN: Final = timedelta(seconds=1)
"""How far the clocks of Kafka, of Redis and of this machine may be apart."""
MOST_SUSPECTS: Final = 10_000

Cases = dict[bytes, list[Trace]]


class Answers(Protocol):
    """What is known of the follow-ons once every record is read."""

    def is_answered(self, key: bytes) -> bool:
        """Tell whether anything was emitted for this cause (``answer_key``)."""
        ...

    def is_seen(self, key: bytes) -> bool:
        """Tell whether an event lies on a domain topic."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """How long handled events are remembered."""

    ledger: timedelta
    inbox: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """An event that seems not to be safe: looked at twice before it is named."""

    judgement: Judgement
    traces: list[Trace]
    entry: Entry | None


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was counted: the events, their standings, the records that repeat one, and who is suspect."""

    events: int = 0
    repeats: int = 0
    standings: Counter[Standing] = field(default_factory=Counter[Standing])
    suspects: dict[bytes, Suspect] = field(default_factory=dict[bytes, Suspect])


class Inquiry:
    """The audit of one service, number ``number`` of its round. For one event loop."""

    def __init__(
        self,
        service: Service,
        number: int,
        books: ServiceBooks,
        *,
        windows: Windows,
        away: AbstractSet[str],
    ) -> None:
        self.service = service
        self.number = number
        self.tally = Tally()
        self.topics = private_topics_of(service)
        self.handlers: Mapping[str, Handler] = {one.event.avro.fullname: one for one in service.handlers}
        self._books = books
        self._window = max(windows.ledger, windows.inbox) if books.has_inbox else windows.ledger
        self._away = away

    @property
    def name(self) -> str:
        """The service's name, and that of its consumer group."""
        return self.service.name

    @property
    def heard(self) -> frozenset[str]:
        """Every topic that the service subscribes to."""
        return frozenset(heard_topics(self.service))

    @property
    def emits_unremembered(self) -> bool:
        """Whether follow-ons are the only proof left once the ledger is wiped."""
        return not self._books.has_inbox

    @property
    def emitted_topics(self) -> frozenset[str]:
        """The topics of the follow-ons."""
        return frozenset(e.avro.topic for one in self.handlers.values() for e in one.signature.emits)

    async def count(self, cases: Cases, land: Land, *, answers: Answers | None = None) -> list[Trace]:
        """Judge events that were not counted yet.

        Without ``answers`` return those that can only be judged with them; they are not counted. Raises
        LedgerUnavailableError and StoreUnavailableError.
        """
        undecided = []
        for key, (judgement, entry) in (await self._judged(cases, land, answers)).items():
            if answers is None and judgement.standing is Standing.UNPROVEN:
                undecided.append(cases[key][0])
            else:
                self._take(key, judgement, cases[key], entry)
        return undecided

    async def count_entries(self, entries: Mapping[bytes, Entry], land: Land) -> None:
        """Count events of which no record was read, only what the ledger has open of them."""
        for key, entry in entries.items():
            if not land.is_read(entry.coordinates) or land.place(self.name, entry.coordinates) is Place.AHEAD:
                continue  # older than what is read, or newer
            self._take(key, judge(self._of_entry(entry, land)), [], entry)

    async def look_again(self, land: Land, answers: Answers) -> None:
        """Judge the suspects anew, in the light of what has come in since; keep those that still are."""
        before, self.tally.suspects = self.tally.suspects, {}
        cases = {key: suspect.traces for key, suspect in before.items() if suspect.traces}
        judged = await self._judged(cases, land, answers)
        unseen = {key: suspect for key, suspect in before.items() if not suspect.traces}
        entries = await self._books.open_entries() if unseen else {}
        for key in unseen:
            entry = entries.get(key)
            judged[key] = (judge(self._of_entry(entry, land)) if entry else Judgement(standing=Standing.DONE)), entry
        for key, (judgement, entry) in judged.items():
            self.tally.events -= 1
            self.tally.standings[before[key].judgement.standing] -= 1
            self._take(key, judgement, before[key].traces, entry)

    def repeat(self, trace: Trace) -> None:
        """Note a further record of an event that is counted already."""
        self.tally.repeats += 1
        if trace.key in self.tally.suspects:
            self.tally.suspects[trace.key].traces.append(trace)

    async def open_entries(self) -> Mapping[bytes, Entry]:
        """Return what the ledger has open. Raises LedgerUnavailableError."""
        return await self._books.open_entries()

    def _take(self, key: bytes, judgement: Judgement, traces: list[Trace], entry: Entry | None) -> None:
        self.tally.events += 1
        self.tally.standings[judgement.standing] += 1
        if not judgement.standing.is_sound and len(self.tally.suspects) < MOST_SUSPECTS:
            self.tally.suspects[key] = Suspect(judgement=judgement, traces=traces, entry=entry)

    async def _judged(
        self, cases: Cases, land: Land, answers: Answers | None
    ) -> dict[bytes, tuple[Judgement, Entry | None]]:
        if not cases:
            return {}
        memory = await self._books.recall(cases)
        unsettled = [traces[0] for key, traces in cases.items() if _is_unsettled(memory, key, traces[0])]
        published = await self._published(unsettled, land, answers)
        judged = {}
        for key, traces in cases.items():
            evidence = self._evidence(key, traces, memory, land, answers)
            judged[key] = judge(replace(evidence, is_published=published.get(key, True))), memory.entries[key]
        return judged

    async def _published(
        self, unsettled: Sequence[Trace], land: Land, answers: Answers | None
    ) -> Mapping[bytes, bool | None]:
        """Tell of handled events that nobody settled whether their follow-ons are all there, as far as can be seen."""
        if answers is None:
            return {one.key: None for one in unsettled}
        kept = await self._books.follow_ons(unsettled)
        return {
            key: all(
                answers.is_seen(event_key(self.name, one.event_id)) or not land.is_whole(one.topic)
                for one in follow_ons
            )
            for key, follow_ons in kept.items()
        }

    def _evidence(
        self, key: bytes, traces: Sequence[Trace], memory: Memory, land: Land, answers: Answers | None
    ) -> Evidence:
        entry, last = memory.entries[key], max(one.appended for one in traces)
        leaves_a_trace = self._leaves_a_trace(last, memory)
        return Evidence(
            sightings=tuple(
                Sighting(attempt=one.attempt, place=land.place(self.name, one.coordinates), heard=one.heard)
                for one in traces
                if not one.is_letter
            ),
            dead=max((one.attempt for one in traces if one.is_letter), default=None),
            entry=entry,
            entry_place=land.place(self.name, entry.coordinates) if entry else Place.DELETED,
            inbox=memory.rows.get((traces[0].source, traces[0].event_id)),
            letters_kept=land.is_whole(self.topics.dead_letters),
            leaves_a_trace=leaves_a_trace,
            is_answered=None if leaves_a_trace else self._is_answered(traces[0], land, answers),
            is_held_back=self._is_held_back(traces, entry, last),
        )

    def _of_entry(self, entry: Entry, land: Land) -> Evidence:
        place = land.place(self.name, entry.coordinates)
        return Evidence(entry=entry, entry_place=place, letters_kept=land.is_whole(self.topics.dead_letters))

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
        handler = self.handlers.get(trace.type)
        if answers is None or handler is None or not handler.signature.emits or not self.emits_unremembered:
            return None
        if answers.is_answered(answer_key(self.name, trace.event_id)):
            return True
        return False if all(land.is_whole(event.avro.topic) for event in handler.signature.emits) else None

    def _is_held_back(self, traces: Sequence[Trace], entry: Entry | None, appended: float) -> bool:
        handler = self.handlers.get(traces[0].type)
        if handler is None:
            return False
        if not self._away.isdisjoint(handler.depends_on):
            return True
        # Claimed for longer than its handler may run: it is held in memory, at the head of its key or behind it.
        longest = datetime.now(UTC) - handler.timeout - MARGIN
        return entry is not None and entry.state is State.CLAIMED and appended < longest.timestamp()


def _is_unsettled(memory: Memory, key: bytes, trace: Trace) -> bool:
    entry, row = memory.entries[key], memory.rows.get((trace.source, trace.event_id))
    return row is not None and row.is_handled and entry is not None and entry.state is not State.DONE


def answer_key(service: str, cause: str) -> bytes:
    """Return under which key it is noted that a service emitted something for a cause."""
    return event_key(service, cause)

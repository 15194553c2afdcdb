"""Inquiry: the audit of one service: keeps count of its events, and of those that seem not to be safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from farandole.audit.books import ServiceBooks
from farandole.audit.evidence import Place
from farandole.audit.gathering import Answers, Cases, Gathering, Judged
from farandole.audit.judge import Judgement
from farandole.audit.land import Land
from farandole.audit.standing import Standing
from farandole.audit.trace import Trace
from farandole.contexts import Windows
from farandole.engine.runtime import heard_topics, private_topics_of
from farandole.handler import Handler
from farandole.ledger import Entry
from farandole.service import Service

MOST_SUSPECTS: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """An event that seems not to be safe: looked at twice before it is named."""

    judgement: Judgement
    traces: list[Trace]
    entry: Entry | None


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was counted: the events, their standings, the records that repeat one, and who is suspect.

    ``replayed`` are those of the events that a replay handles again.
    """

    events: int = 0
    repeats: int = 0
    replayed: int = 0
    standings: Counter[Standing] = field(default_factory=Counter[Standing])
    suspects: dict[bytes, Suspect] = field(default_factory=dict[bytes, Suspect])


class Inquiry:
    """The audit of one service, number ``number`` of its round. For one event loop."""

    def __init__(
        self, service: Service, number: int, books: ServiceBooks, *, windows: Windows, away: AbstractSet[str]
    ) -> None:
        self.number = number
        self.name = service.name
        self.tally = Tally()
        self.topics = private_topics_of(service)
        self.heard = frozenset(heard_topics(service))
        self.handlers: Mapping[str, Handler] = {one.event.avro.fullname: one for one in service.handlers}
        self._books = books
        self._gathering = Gathering(service, books, windows=windows, away=away)

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
        for key, judged in (await self._gathering.judged(cases, land, answers)).items():
            if answers is None and judged[0].standing is Standing.UNPROVEN:
                undecided.append(cases[key][0])
            else:
                self._take(key, judged, cases[key])
        return undecided

    def count_entries(self, entries: Mapping[bytes, Entry], land: Land) -> None:
        """Count events of which no record was read, only what the ledger has open of them."""
        for key, entry in entries.items():
            if not land.is_read(entry.coordinates) or land.place(self.name, entry.coordinates) is Place.AHEAD:
                continue  # older than what is read, or newer
            self._take(key, (self._gathering.judged_by_entry(entry, land), entry), [])

    async def look_again(self, land: Land, answers: Answers) -> None:
        """Judge the suspects anew, in the light of what has come in since; keep those that still are."""
        before, self.tally.suspects = self.tally.suspects, {}
        cases = {key: suspect.traces for key, suspect in before.items() if suspect.traces}
        judged = await self._gathering.judged(cases, land, answers)
        judged |= await self._judged_by_entry([key for key in before if key not in cases], land)
        for key, again in judged.items():
            self.tally.events -= 1
            self.tally.replayed -= _is_replayed(before[key].traces)
            self.tally.standings[before[key].judgement.standing] -= 1
            self._take(key, again, before[key].traces)

    def repeat(self, trace: Trace) -> None:
        """Note a further record of an event that is counted already."""
        self.tally.repeats += 1
        self.hear(trace)

    def hear(self, trace: Trace) -> None:
        """Take a further record into account where it is about a suspect."""
        if trace.key in self.tally.suspects:
            self.tally.suspects[trace.key].traces.append(trace)

    async def open_entries(self) -> Mapping[bytes, Entry]:
        """Return what the ledger has open. Raises LedgerUnavailableError."""
        return await self._books.open_entries()

    async def _judged_by_entry(self, keys: list[bytes], land: Land) -> dict[bytes, Judged]:
        """Judge events again of which there is nothing but an entry; one that was closed meanwhile is done."""
        entries = await self._books.open_entries() if keys else {}
        closed = Judgement(standing=Standing.DONE)
        return {
            key: (self._gathering.judged_by_entry(entries[key], land) if key in entries else closed, entries.get(key))
            for key in keys
        }

    def _take(self, key: bytes, judged: Judged, traces: list[Trace]) -> None:
        judgement, entry = judged
        self.tally.events += 1
        self.tally.replayed += _is_replayed(traces)
        self.tally.standings[judgement.standing] += 1
        if not judgement.standing.is_sound and len(self.tally.suspects) < MOST_SUSPECTS:
            self.tally.suspects[key] = Suspect(judgement=judgement, traces=traces, entry=entry)


def _is_replayed(traces: Sequence[Trace]) -> bool:
    return bool(traces) and bool(traces[0].replay_id)

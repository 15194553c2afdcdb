"""Judging: what became of a service's events so far, by the audit's own rules, asked a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from farandole.audit.books import ServiceBooks
from farandole.audit.gathering import Gathering
from farandole.audit.inquiry import Inquiry
from farandole.audit.land import Land, survey
from farandole.audit.reading import Reader, private_of
from farandole.audit.sorting import with_private
from farandole.audit.standing import Standing
from farandole.audit.trace import Trace
from farandole.audit.trail import Trail
from farandole.contexts import Windows
from farandole.delivery import Delivery, Record
from farandole.engine.ports import Partition
from farandole.handler import Handler
from farandole.kafka.log_reader import LogReader, Span
from farandole.replay.emitted import Emitted
from farandole.schema import SchemaSource
from farandole.service import Service
from farandole.store.entry import StoredFollowOn

_UNHANDLED: Final = frozenset((Standing.LOST, Standing.STRANDED, Standing.UNPROVEN))


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A record as the service is given it: as which event, and by which handler."""

    delivery: Delivery
    trace: Trace
    handler: Handler


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What became of an event. ``attempt`` is the one to send it with, so that it counts: one more than all before."""

    standing: Standing
    attempt: int


class Judging:
    """Judges events of one service. For one event loop; use it as an async context manager, then `look` once.

    Raises what it reads from: BrokerUnavailableError, LedgerUnavailableError, StoreUnavailableError.
    """

    def __init__(
        self,
        service: Service,
        books: ServiceBooks,
        log: LogReader,
        *,
        schemas: SchemaSource,
        cluster: str,
        windows: Windows,
        away: AbstractSet[str],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._inquiry = Inquiry(service, 0, books, windows=windows, away=away)
        self._gathering = Gathering(service, books, windows=windows, away=away)
        self._reader = Reader([self._inquiry], schemas=schemas, cluster=cluster)
        self._books = books
        self._log = log
        self._tell = tell
        self._trail = Trail()
        self._land = Land(starts={}, read_from={}, committed={service.name: {}}, ends={})
        self.emitted = Emitted(service.name)

    async def __aenter__(self) -> Self:
        self._trail.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._trail.__exit__()
        self.emitted.close()

    async def look(self, topics: Iterable[str], *, with_emitted: bool) -> None:
        """Look at the offsets, then read the private topics, and, ``with_emitted``, what the service emitted.

        What is to be judged must be older than this look. Without a look everything is taken for unread.
        """
        existing = {one.topic for one in await asyncio.to_thread(self._log.partitions)}
        private = private_of(self._inquiry, existing)
        emitted = self._inquiry.emitted_topics if with_emitted else frozenset[str]()
        self._land = await asyncio.to_thread(
            survey, self._log, topics=frozenset(topics) | private | emitted, groups=[self._inquiry.name]
        )
        async for records in self._records(self._land.spans(private)):
            self._trail.keep(0, [self._reader.private(self._inquiry, record) for record in records])
        if emitted:
            self._tell(f"reading what {self._inquiry.name} emitted: {', '.join(sorted(emitted))}")
        async for records in self._records(self._land.spans(emitted)):
            self.emitted.note(self._reader.delivery(record).envelope for record in records)

    def heard(self, record: Record) -> Heard | None:
        """Return as which event the service is given a record of a domain topic; None where no handler hears it."""
        delivery = self._reader.delivery(record)
        for _, trace in self._reader.hearing(delivery):
            handler = self._inquiry.handlers.get(trace.type)
            # One whose headers are not believed is another event to the service than it says, and a dead letter.
            if handler is not None and trace.event_id == delivery.envelope.id:
                return Heard(delivery=delivery, trace=trace, handler=handler)
        return None

    def type_of(self, record: Record) -> str:
        """Return what a record of a domain topic says that it is."""
        return self._reader.delivery(record).envelope.type

    async def judged(self, traces: Sequence[Trace]) -> Mapping[bytes, Judged]:
        """Judge events, each by one of its records, by the event's key."""
        keys = [one.key for one in traces]
        cases = with_private({one.key: [one] for one in traces}, self._trail.private(0, keys))
        found = await self._gathering.judged(cases, self._land, self.emitted)
        given_up = await self._given_up([cases[key] for key, (one, _) in found.items() if one.standing in _UNHANDLED])
        return {
            key: Judged(
                standing=judgement.standing,
                attempt=1
                + max(*(one.attempt for one in cases[key]), entry.attempt if entry else 0, given_up.get(key, 0)),
            )
            for key, (judgement, entry) in found.items()
        }

    async def _given_up(self, cases: Sequence[Sequence[Trace]]) -> Mapping[bytes, int]:
        """Return at which attempt the inbox says that events were given up: only a higher one is handled."""
        if not self._books.has_inbox or not cases:
            return {}
        memory = await self._books.recall({traces[0].key: traces for traces in cases})
        rows = {traces[0].key: memory.rows.get(traces[0].inbox_key) for traces in cases}
        return {key: row.attempt for key, row in rows.items() if row is not None}

    async def kept(self, traces: Sequence[Trace]) -> Mapping[bytes, Sequence[StoredFollowOn]]:
        """Return the follow-ons that the inbox keeps of these events, as far as it has handled them."""
        if not self._books.has_inbox or not traces:
            return {}
        memory = await self._books.recall({one.key: [one] for one in traces})
        handled = [one for one in traces if (row := memory.rows.get(one.inbox_key)) and row.is_handled]
        return await self._books.follow_ons(handled)

    async def _records(self, spans: Mapping[Partition, Span]) -> AsyncIterator[list[Record]]:
        batches = self._log.records(spans)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            yield batch

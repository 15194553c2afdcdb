"""Auditor: the audit of a mesh: reads its logs, asks each service's memory, and looks twice before it names anybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from farandole.audit.finding import Finding, deleted_unread, reused, unsound
from farandole.audit.inquiry import Inquiry
from farandole.audit.land import Land, Since, survey
from farandole.audit.reading import Reader, domain_of, private_of
from farandole.audit.report import Balance, Report
from farandole.audit.sorting import Sorting, with_private
from farandole.audit.trace import Trace, named_after, trace_of
from farandole.audit.trail import Trail
from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Partition
from farandole.kafka.log_reader import LogReader, Span
from farandole.ledger import Entry
from farandole.schema import SchemaSource

T = TypeVar("T")

SECOND_LOOK_AFTER: Final = timedelta(seconds=2)
MOST_REUSED: Final = 1_000

Tell = Callable[[str], None]


class Auditor:
    """One audit of some services. Use it once; for one event loop. It writes nothing anywhere.

    Raises what it reads from: BrokerUnavailableError, LedgerUnavailableError, StoreUnavailableError.
    """

    def __init__(
        self,
        inquiries: Sequence[Inquiry],
        log: LogReader,
        *,
        schemas: SchemaSource,
        cluster: str,
        tell: Tell = lambda _: None,
        second_look_after: timedelta = SECOND_LOOK_AFTER,
    ) -> None:
        self._inquiries = inquiries
        self._log = log
        self._reader = Reader(inquiries, schemas=schemas, cluster=cluster)
        self._tell = tell
        self._second_look_after = second_look_after
        self._domain = domain_of(inquiries)
        self._private: Mapping[str, Inquiry] = {}
        self._reused: list[Trace] = []
        self._read = 0

    async def look(self, *, since: datetime | None = None) -> Report:
        """Audit everything, or what was appended to the domain topics at or after ``since`` (aware)."""
        began, at = time.monotonic(), datetime.now(UTC)
        existing = {one.topic for one in await asyncio.to_thread(self._log.partitions)}
        self._private = {topic: one for one in self._inquiries for topic in private_of(one, existing)}
        land = await self._survey(since)
        with Trail() as trail:
            await self._read_private(trail, land)
            await self._read_domain(trail, land)
            await self._count_the_rest(trail, land)
            if any(one.tally.suspects for one in self._inquiries):
                await self._look_again(trail, land)
        return Report(
            at=at,
            seconds=time.monotonic() - began,
            balances=[_balance(one) for one in self._inquiries],
            findings=[*self._deleted(land), *self._unsound(), *self._conflicts()],
        )

    async def _survey(self, since: datetime | None) -> Land:
        return await asyncio.to_thread(
            survey,
            self._log,
            topics=self._domain | frozenset(self._private),
            groups=[one.name for one in self._inquiries],
            since=None if since is None else Since(moment=since, topics=self._domain),
        )

    async def _read_private(self, trail: Trail, land: Land) -> None:
        async for records in self._records(land.spans(self._private)):
            for inquiry in self._inquiries:
                mine = [record for record in records if self._private[record.coordinates.topic] is inquiry]
                trail.keep(inquiry.number, [self._reader.private(inquiry, record) for record in mine])

    async def _read_domain(self, trail: Trail, land: Land) -> None:
        async for records in self._records(land.spans(self._domain)):
            sorting = Sorting(self._reader, trail, records)
            self._reused += sorting.reused[: MOST_REUSED - len(self._reused)]
            for inquiry in self._inquiries:
                cases = sorting.cases.get(inquiry.number, {})
                told = with_private(cases, trail.private(inquiry.number, list(cases)))
                trail.defer(inquiry.number, await inquiry.count(told, land))

    async def _count_the_rest(self, trail: Trail, land: Land) -> None:
        """Count what only shows once every record is read, and what shows in no domain record at all."""
        for inquiry in self._inquiries:
            number = inquiry.number
            for page in trail.deferred(number):
                cases = {one.key: [one] for one in page}
                told = with_private(cases, trail.private(number, list(cases)))
                await inquiry.count(told, land, answers=trail)
            for keys in trail.only_private(number):
                await inquiry.count(trail.private(number, keys), land, answers=trail)
            entries = await inquiry.open_entries()
            inquiry.count_entries(_unseen(trail, number, entries), land)

    async def _look_again(self, trail: Trail, land: Land) -> None:
        self._tell("some events look lost: looking a second time")
        await asyncio.sleep(self._second_look_after.total_seconds())
        later = await self._survey(None)
        tails = {
            partition: Span(start=land.ends.get(partition, later.starts[partition]), end=end)
            for partition, end in later.ends.items()
        }
        async for records in self._records(tails):
            for record in records:
                self._hear_of_suspects(trail, record)
        for inquiry in self._inquiries:
            await inquiry.look_again(later, trail)

    def _hear_of_suspects(self, trail: Trail, record: Record) -> None:
        owner = self._private.get(record.coordinates.topic)
        if owner is not None:
            owner.hear(self._reader.private(owner, record))
            return
        delivery = self._reader.delivery(record)
        trail.answer(self._reader.answers(delivery))
        trail.see_at_all(trace_of(delivery).key)
        for inquiry, trace in self._reader.hearing(delivery):
            inquiry.hear(trace)

    async def _records(self, spans: Mapping[Partition, Span]) -> AsyncIterator[list[Record]]:
        batches = self._log.records(spans)
        wanted = self._read + sum(max(0, span.end - span.start) for span in spans.values())
        told = time.monotonic()
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            self._read += len(batch)
            if time.monotonic() - told > 2:
                told = time.monotonic()
                self._tell(f"{self._read} of {wanted} records read")
            yield batch

    def _deleted(self, land: Land) -> list[Finding]:
        return [
            deleted_unread(
                one.name,
                Coordinates(topic=partition.topic, partition=partition.number, offset=span.start),
                span.end - span.start,
            )
            for one in self._inquiries
            for partition, span in land.deleted_unread(one.name, one.heard).items()
        ]

    def _unsound(self) -> list[Finding]:
        return [
            unsound(one.name, suspect.judgement, key, named_after(suspect.traces), suspect.entry)
            for one in self._inquiries
            for key, suspect in one.tally.suspects.items()
        ]

    def _conflicts(self) -> list[Finding]:
        ours: AbstractSet[str] = {one.name for one in self._inquiries}
        return [
            reused(trace.source in ours, trace, trace.source) for trace in {t.key: t for t in self._reused}.values()
        ]


def _unseen(trail: Trail, number: int, entries: Mapping[bytes, Entry]) -> Mapping[bytes, Entry]:
    keys = list(entries)
    seen, private = trail.seen(keys), trail.private(number, keys)
    return {
        key: entry
        for key, entry in entries.items()
        if key not in private and not (key in seen and seen[key].heard >> number & 1)
    }


def _balance(inquiry: Inquiry) -> Balance:
    tally = inquiry.tally
    return Balance(
        service=inquiry.name,
        events=tally.events,
        standings=dict(tally.standings),
        repeats=tally.repeats,
        replayed=tally.replayed,
    )

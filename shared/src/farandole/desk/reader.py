"""Reader: reads a service's dead letters as the service itself would, and puts together what became of each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from farandole.delivery import Coordinates, Delivery, Record
from farandole.desk.board import Board
from farandole.desk.case import Case
from farandole.desk.letter import Letter, Mark, Subject, read, subject_of
from farandole.engine.intake import Intake
from farandole.engine.ports import Partition
from farandole.kafka.log_reader import LogReader, Span
from farandole.ledger import Entry
from farandole.private_topics import PrivateTopics
from farandole.store.inbox_view import InboxView, Remembered

T = TypeVar("T", Letter, Mark)

PAGE: Final = 5_000


class Entries(Protocol):
    """The part of a ledger that is asked."""

    async def lookup(self, keys: Sequence[bytes]) -> Mapping[bytes, Entry | None]:
        """Return what is known of these events. Raises LedgerUnavailableError."""
        ...


@dataclass(slots=True)
class _Found:
    """What the log says of one event."""

    subject: Subject
    letters: list[Letter] = field(default_factory=list[Letter])
    marks: list[Mark] = field(default_factory=list[Mark])


class Reader:
    """Reads the private topics of one service from outside. Changes nothing. For one event loop.

    Every method raises BrokerUnavailableError, LedgerUnavailableError or StoreUnavailableError.
    """

    def __init__(
        self, topics: PrivateTopics, intake: Intake, *, log: LogReader, ledger: Entries, inbox: InboxView | None
    ) -> None:
        self.service = topics.service
        self._dead_letters = topics.dead_letters
        self._on_the_way = re.compile(re.escape(self.service) + r"\.(retry\.\d+|redelivery)")
        self._intake = intake
        self._log = log
        self._ledger = ledger
        self._inbox = inbox

    async def board(self) -> Board:
        """Return how things stand.

        Commits and ends first, the records then, ledger and inbox last: a service writes the other way round, so what
        leaves one place in the meantime is found in the next.
        """
        dead, waiting = await asyncio.to_thread(self._spans)
        found = await self._found(dead)
        to_come = await self._to_come(waiting, found)
        cases = await self._cases(found, to_come)
        return Board(
            service=self.service,
            cases=sorted(cases, key=lambda one: (one.letter.appended, one.letter.coordinates)),
            spans=dead,
        )

    def delivery(self, record: Record) -> Delivery:
        """Return the delivery that a record of a private topic is."""
        admitted = self._intake.admit(record)
        assert admitted is not None, "what lies on a private topic is always somebody's"
        return admitted.delivery

    async def records(self, spans: Mapping[Partition, Span]) -> AsyncIterator[Record]:
        """Yield the records of these spans."""
        batches = self._log.records(spans)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            for record in batch:
                yield record

    async def recall(
        self, subjects: Sequence[Subject]
    ) -> tuple[Mapping[bytes, Entry | None], Mapping[tuple[str, str], Remembered]]:
        """Return what ledger and inbox know of these events at present, by ``key`` and by ``remembered``."""
        entries: dict[bytes, Entry | None] = {}
        rows: dict[tuple[str, str], Remembered] = {}
        for first in range(0, len(subjects), PAGE):
            page = subjects[first : first + PAGE]
            entries |= await self._ledger.lookup([one.key for one in page])
            rows |= await self._rows(page)
        return entries, rows

    async def record(self, at: Coordinates) -> Record | None:
        """Return the record at coordinates; None where the log has deleted it."""
        spans = {Partition(topic=at.topic, number=at.partition): Span(start=at.offset, end=at.offset + 1)}
        found = [record async for record in self.records(spans)]
        return found[0] if found else None

    async def history(self) -> AsyncIterator[Record]:
        """Yield every record that the service's retry tiers, redelivery topic and dead letters still hold."""
        spans = await asyncio.to_thread(self._whole)
        async for record in self.records(spans):
            yield record

    def _partitions(self) -> list[Partition]:
        return [one for one in self._log.partitions() if self._is_ours(one.topic)]

    def _is_ours(self, topic: str) -> bool:
        return topic == self._dead_letters or self._on_the_way.fullmatch(topic) is not None

    def _whole(self) -> Mapping[Partition, Span]:
        partitions = self._partitions()
        starts, ends = self._log.starts(partitions), self._log.ends(partitions)
        return {one: Span(start=starts[one], end=ends[one]) for one in partitions}

    def _spans(self) -> tuple[Mapping[Partition, Span], Mapping[Partition, Span]]:
        partitions = self._partitions()
        starts = self._log.starts(partitions)
        committed = self._log.committed(self.service, [one for one in partitions if one.topic != self._dead_letters])
        ends = self._log.ends(partitions)
        whole = {one: Span(start=starts[one], end=ends[one]) for one in partitions if one.topic == self._dead_letters}
        ahead = {
            one: Span(start=max(starts[one], committed.get(one, 0)), end=ends[one])
            for one in partitions
            if one.topic != self._dead_letters
        }
        return whole, ahead

    async def _found(self, spans: Mapping[Partition, Span]) -> dict[bytes, _Found]:
        found: dict[bytes, _Found] = {}
        async for record in self.records(spans):
            one = read(self.delivery(record))
            about = found.setdefault(one.subject.key, _Found(one.subject))
            if isinstance(one, Mark):
                about.marks.append(one)
            else:
                about.letters.append(one)
        return {key: one for key, one in found.items() if one.letters}

    async def _to_come(self, spans: Mapping[Partition, Span], found: Mapping[bytes, _Found]) -> dict[bytes, int]:
        highest: dict[bytes, int] = {}
        async for record in self.records(spans):
            delivery = self.delivery(record)
            key = subject_of(delivery).key
            if key in found:
                highest[key] = max(highest.get(key, 0), delivery.attempt)
        return highest

    async def _cases(self, found: Mapping[bytes, _Found], to_come: Mapping[bytes, int]) -> list[Case]:
        entries, rows = await self.recall([one.subject for one in found.values()])
        return [
            Case(
                letters=_in_order(one.letters),
                marks=_in_order(one.marks),
                entry=entries[key],
                inbox=rows.get(one.subject.remembered),
                to_come=to_come.get(key),
            )
            for key, one in found.items()
        ]

    async def _rows(self, subjects: Sequence[Subject]) -> Mapping[tuple[str, str], Remembered]:
        if self._inbox is None:
            return {}
        return await asyncio.to_thread(self._inbox.known, list({one.remembered for one in subjects}))


def _in_order(found: list[T]) -> Sequence[T]:
    """Order by the time of writing: a topic with several partitions has no other order between them."""
    return tuple(sorted(found, key=lambda one: (one.appended, one.coordinates)))

"""Scanning: the happenings of a flow, read from the topics themselves. Slower than an index, and always there."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.flow.happening import Happening
from farandole.flow.reading import HappeningReader, service_of_private
from farandole.flow.told_outcomes import told_outcomes
from farandole.flow.tree import MOST_HAPPENINGS
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.reading import record_of
from farandole.kafka.topics import OUTCOMES

TICK: Final = timedelta(milliseconds=500)


class Scanning:
    """Reads the topics of a mesh from outside. Every method blocks and raises BrokerUnavailableError. For one thread.

    ``domain`` are the domain topics. What lies beyond the ends of the logs as they were at the beginning is left to
    `follow`.
    """

    def __init__(self, log: LogReader, reader: HappeningReader, *, domain: Iterable[str]) -> None:
        self._log = log
        self._reader = reader
        self._domain = frozenset(domain)
        everywhere = [one for one in log.partitions() if self._tells(one.topic)]
        starts, ends = log.starts(everywhere), log.ends(everywhere)
        self.spans: Mapping[Partition, Span] = {one: Span(start=starts[one], end=ends[one]) for one in everywhere}

    def _tells(self, topic: str) -> bool:
        return topic in self._domain or topic == OUTCOMES or bool(service_of_private(topic))

    def flows_named(self, name: str) -> tuple[str, ...]:
        """Return the flows that are meant: that of this id, else that of the event of this id, else those of this key.

        Those that began first come first.
        """
        by_rank: tuple[dict[str, None], ...] = ({}, {}, {})
        spans = {at: span for at, span in self.spans.items() if at.topic in self._domain}
        met: list[tuple[int, Happening]] = []
        for one in self._read(spans):
            rank = 0 if one.flow_id == name else 1 if one.event_id == name else 2 if one.subject == name else None
            if rank is not None and one.flow_id not in by_rank[rank]:
                by_rank[rank][one.flow_id] = None
                met.append((rank, one))
        if not met:
            return ()
        best = min(rank for rank, _ in met)
        mine = sorted((one for rank, one in met if rank == best), key=lambda one: (one.at, one.key))
        return tuple(one.flow_id for one in mine)

    def every_happening(self) -> Iterator[Happening]:
        """Yield what happened in any flow, in the order in which the partitions are read."""
        return self._read(self.spans)

    def happenings(self, flow_id: str) -> list[Happening]:
        """Return what happened in a flow, as far as its first twenty thousand happenings go, twice that at most."""
        found: list[Happening] = []
        for one in self.every_happening():
            if one.flow_id == flow_id:
                found.append(one)
                if len(found) >= 2 * MOST_HAPPENINGS:
                    found = sorted(found, key=lambda each: (each.at, each.key))[: MOST_HAPPENINGS + 1]
        return found

    def follow(self, flow_id: str) -> Generator[list[Happening], None, None]:
        """Yield what happens in a flow from now on, at least every half second, if only nothing. Ends when closed."""
        starts = {at: span.end for at, span in self.spans.items()}
        for records in self._log.follow(
            starts, lambda message, _at, _offset: record_of(message, assignment=0), tick=TICK
        ):
            yield [one for record in records for one in self._happenings(record) if one.flow_id == flow_id]

    def _read(self, spans: Mapping[Partition, Span]) -> Iterator[Happening]:
        for records in self._log.records(spans):
            for record in records:
                yield from self._happenings(record)

    def _happenings(self, record: Record) -> Iterable[Happening]:
        if record.coordinates.topic == OUTCOMES:
            return told_outcomes(record)
        return (self._reader.happening(record),)

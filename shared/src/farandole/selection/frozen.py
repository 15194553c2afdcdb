"""Frozen: the offsets that a selection means, asked of the brokers once: what is written later is not swept in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from farandole.clock import Clock, SystemClock
from farandole.engine.ports import Partition
from farandole.errors import UsageError
from farandole.kafka.log_reader import LogReader, Span
from farandole.selection.bound import Bound, Moment, Offset
from farandole.selection.nearest import nearest
from farandole.selection.selection import Selection


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """The spans to read, cut to what the logs held at ``at``, and the ids of their topics.

    They bound what is selected: each record of them is still held against the selection's other conditions.
    ``stamped`` are the topics whose records carry the broker's own time, which does not go back within a partition.
    """

    at: datetime
    spans: Mapping[Partition, Span]
    topic_ids: Mapping[str, str]
    stamped: frozenset[str]

    @property
    def records(self) -> int:
        """How many offsets there are to read; records may be fewer, as where a topic is compacted."""
        return sum(max(0, span.end - span.start) for span in self.spans.values())

    def until(self, ends: Mapping[Partition, int]) -> Frozen:
        """Return the same, each partition read only up to these offsets; one that is not named, not at all."""
        spans = {
            at: Span(start=span.start, end=max(span.start, min(span.end, ends.get(at, span.start))))
            for at, span in self.spans.items()
        }
        return replace(self, spans=spans)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `from_document` reads it again."""
        return {
            "at": self.at.isoformat(),
            "spans": [
                {"topic": at.topic, "partition": at.number, "start": span.start, "end": span.end}
                for at, span in sorted(self.spans.items(), key=lambda one: (one[0].topic, one[0].number))
            ],
            "topic_ids": dict(sorted(self.topic_ids.items())),
            "stamped": sorted(self.stamped),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Frozen:
        """Read what `document` returned. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            at=datetime.fromisoformat(document["at"]),
            spans={
                Partition(topic=one["topic"], number=one["partition"]): Span(start=one["start"], end=one["end"])
                for one in document["spans"]
            },
            topic_ids=dict(document["topic_ids"]),
            stamped=frozenset(document["stamped"]),
        )

    def changes(self, reader: LogReader) -> list[str]:
        """Say what became of the logs since: topics that are gone or were made again, records that are deleted.

        Empty where all that was frozen is still there. Raises BrokerUnavailableError.
        """
        existing = {one.topic for one in reader.partitions()}
        gone = sorted(self.topic_ids.keys() - existing)
        ids = reader.topic_ids(self.topic_ids.keys() & existing)
        again = [name for name, held in sorted(ids.items()) if held != self.topic_ids[name]]
        there = [at for at in self.spans if at.topic in ids and at.topic not in again and not self.spans[at].is_empty]
        starts = reader.starts(there)
        said = [f"the topic {name} is gone" for name in gone]
        said += [f"the topic {name} was made again" for name in again]
        return said + [
            f"{starts[at] - self.spans[at].start} records of {at.topic}[{at.number}] are deleted"
            for at in sorted(there, key=lambda one: (one.topic, one.number))
            if starts[at] > self.spans[at].start
        ]


def freeze(reader: LogReader, selection: Selection, *, clock: Clock | None = None) -> Frozen:
    """Ask the brokers where the bounds of a selection lie at this moment; its limit is for `scan` to keep.

    Blocks. Raises UsageError for a topic that does not exist, and BrokerUnavailableError.
    """
    at = (clock or SystemClock()).now()
    existing = reader.partitions()
    _check_topics(selection.topics, existing)
    wanted = [one for one in existing if one.topic in selection.topics]
    starts, stamped = reader.starts(wanted), reader.stamped_by_broker(selection.topics)
    # The ends last: what was there when the times were looked up is there then.
    begins = _begins(reader, selection.begin, starts)
    times = _ends(reader, selection.end, [one for one in wanted if one.topic in stamped])
    ends = reader.ends(wanted)
    if isinstance(selection.end, Offset):
        times = dict.fromkeys(wanted, selection.end.number)
    spans = {}
    for one in sorted(wanted, key=lambda one: (one.topic, one.number)):
        end = min(ends[one], times.get(one, ends[one]))
        start = max(starts[one], begins.get(one, ends[one]))
        spans[one] = Span(start=min(start, end), end=end)
    return Frozen(at=at, spans=spans, topic_ids=reader.topic_ids(selection.topics), stamped=stamped)


def _begins(reader: LogReader, begin: Bound | None, starts: Mapping[Partition, int]) -> Mapping[Partition, int]:
    """Return where each partition begins; one that has nothing so late is absent."""
    match begin:
        case Moment():
            return _first_at(reader, begin, starts)
        case Offset(number=number):
            return dict.fromkeys(starts, number)
        case None:
            return starts


def _ends(reader: LogReader, end: Bound | None, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
    """Return where a moment ends each partition. Only where times do not go back is what follows later than it."""
    return _first_at(reader, end, partitions) if isinstance(end, Moment) else {}


def _first_at(reader: LogReader, moment: Moment, partitions: Iterable[Partition]) -> dict[Partition, int]:
    whole = Moment.of_millis(moment.millis).at
    return {one: offset for one, offset in reader.since(partitions, whole).items() if offset >= 0}


def _check_topics(topics: Iterable[str], existing: Iterable[Partition]) -> None:
    names = {one.topic for one in existing}
    for topic in topics:
        if topic not in names:
            raise UsageError(
                f"there is no topic {topic}",
                why="the brokers do not have it",
                do=nearest(topic, [name for name in names if not name.startswith("__")]),
                code="E521",
            )


def nothing_selected(selection: Selection) -> UsageError:
    """Return the error of a selection that means no record at all."""
    return UsageError(
        "no record is selected",
        why=f"none there is {selection}",
        do="widen it: another --from or --to, fewer conditions; farandole events find shows what there is",
        code="E529",
    )

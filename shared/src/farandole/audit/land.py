"""Land: the offsets of a mesh at one moment: where each log begins and ends, and how far each group has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from farandole.audit.evidence import Place
from farandole.delivery import Coordinates
from farandole.engine.ports import Partition
from farandole.kafka.log_reader import LogReader, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Land:
    """The offsets that everything is judged against; ``read_from`` lies behind ``starts`` where a part is left out."""

    starts: Mapping[Partition, int]
    read_from: Mapping[Partition, int]
    committed: Mapping[str, Mapping[Partition, int]]
    ends: Mapping[Partition, int]

    def place(self, group: str, coordinates: Coordinates) -> Place:
        """Say where coordinates lie for a group."""
        partition = Partition(topic=coordinates.topic, number=coordinates.partition)
        start, end = self.starts.get(partition), self.ends.get(partition)
        if start is None or end is None or coordinates.offset < start:
            return Place.DELETED
        if coordinates.offset >= end:
            return Place.AHEAD
        committed = self.committed[group].get(partition)
        return Place.OPEN if committed is None or coordinates.offset >= committed else Place.PASSED

    def is_committed(self, group: str, coordinates: Coordinates) -> bool:
        """Tell whether the group has committed past these coordinates, whatever the log still holds."""
        partition = Partition(topic=coordinates.topic, number=coordinates.partition)
        return self.committed[group].get(partition, -1) > coordinates.offset

    def is_read(self, coordinates: Coordinates) -> bool:
        """Tell whether the audit reads the record there, or would, had the log not deleted it."""
        partition = Partition(topic=coordinates.topic, number=coordinates.partition)
        start, first = self.starts.get(partition), self.read_from.get(partition)
        if start is None or first is None:
            return True
        return coordinates.offset >= first or first == start

    def is_whole(self, topic: str) -> bool:
        """Tell whether all that was ever written to a topic is still there, and read."""
        return all(first == 0 for partition, first in self.read_from.items() if partition.topic == topic)

    def spans(self, topics: Iterable[str]) -> Mapping[Partition, Span]:
        """Return what there is to read of these topics."""
        wanted = frozenset(topics)
        return {
            partition: Span(start=self.read_from[partition], end=end)
            for partition, end in self.ends.items()
            if partition.topic in wanted
        }

    def deleted_unread(self, group: str, topics: Iterable[str]) -> Mapping[Partition, Span]:
        """Return what the logs deleted before the group had read it."""
        wanted = frozenset(topics)
        return {
            partition: Span(start=committed, end=self.starts[partition])
            for partition, committed in self.committed[group].items()
            if partition.topic in wanted and committed < self.starts.get(partition, 0)
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Since:
    """Read these topics only from the first record appended at ``moment`` (aware) or later."""

    moment: datetime
    topics: frozenset[str]


def survey(reader: LogReader, *, topics: Iterable[str], groups: Iterable[str], since: Since | None = None) -> Land:
    """Look at the offsets, in the order that makes them comparable: starts, commits, ends.

    Blocks. Raises BrokerUnavailableError.
    """
    wanted = frozenset(topics)
    partitions = [one for one in reader.partitions() if one.topic in wanted]
    starts = reader.starts(partitions)
    committed = {group: reader.committed(group, partitions) for group in groups}
    ends = reader.ends(partitions)
    read_from = dict(starts)
    if since is not None:
        limited = [one for one in partitions if one.topic in since.topics]
        for one, first in reader.since(limited, since.moment).items():
            read_from[one] = max(starts[one], first if first >= 0 else ends[one])
    return Land(starts=starts, read_from=read_from, committed=committed, ends=ends)

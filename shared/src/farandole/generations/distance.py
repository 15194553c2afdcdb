"""Distance: how far a generation has still to read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from farandole.engine.ports import Partition
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.subscription import subscribed
from farandole.read_model import Position


def behind(position: Position, goal: Position) -> int:
    """Return how many offsets lie between a position and a goal; a partition without a position is unread. Pure."""
    return sum(max(0, end - position.get(partition, 0)) for partition, end in goal.items())


class Logs:
    """What the logs of some topics (names or patterns) hold, and what groups committed.

    Every method raises BrokerUnavailableError.
    """

    def __init__(self, connection: Connection, topics: Iterable[str]) -> None:
        self._connection = connection
        self._has = subscribed(topics)
        self._reader: LogReader | None = None

    async def ends(self) -> Position:
        """Return where each log ends; those that hold nothing are left out, as nobody has to read them."""
        return await asyncio.to_thread(self._ends)

    async def committed(self, group: str) -> Position:
        """Return what a group has committed."""
        return await asyncio.to_thread(self._committed, group)

    def _ends(self) -> Position:
        reader, partitions = self._asked(), self._partitions()
        starts, ends = reader.starts(partitions), reader.ends(partitions)
        return {(one.topic, one.number): end for one, end in ends.items() if end > starts[one]}

    def _committed(self, group: str) -> Position:
        found = self._asked().committed(group, self._partitions())
        return {(one.topic, one.number): offset for one, offset in found.items()}

    def _partitions(self) -> frozenset[Partition]:
        return frozenset(one for one in self._asked().partitions() if self._has(one.topic))

    def _asked(self) -> LogReader:
        self._reader = self._reader or LogReader(self._connection)
        return self._reader

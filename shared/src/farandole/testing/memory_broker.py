"""MemoryBroker: topics in memory, with the engine's two ports, for one service at a time. One partition a topic."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from farandole.clock import Clock
from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Message, Partition
from farandole.engine.size import fits_private_topic
from farandole.engine.tracker import Tracker
from farandole.errors import BrokerUnavailableError
from farandole.headers import kept
from farandole.kafka.subscription import subscribed


class MemoryBroker:
    """Topics in memory; also the engine's publisher. Set ``unavailable`` to take it away."""

    def __init__(self, clock: Clock) -> None:
        self.unavailable = False
        self.topics: defaultdict[str, list[Record]] = defaultdict(list)
        self.committed: dict[tuple[str, str], int] = {}
        self.grown = asyncio.Event()
        self._clock = clock
        self._numbers = itertools.count(1)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append the messages. Raises BrokerUnavailableError while it is taken away."""
        if self.unavailable:
            raise BrokerUnavailableError("the memory broker is away", why="the test took it away", do="give it back")
        for message in messages:
            if not fits_private_topic(message):
                raise BrokerUnavailableError("the memory broker refuses", why="the message is too large")
            self.append(message)

    def append(self, message: Message) -> Record:
        """Append one record and return it."""
        log = self.topics[message.topic]
        record = Record(
            coordinates=Coordinates(topic=message.topic, partition=0, offset=len(log)),
            key=message.key,
            value=message.value,
            headers=kept(message.headers),
            appended=self._clock.now(),
        )
        log.append(record)
        self.grown.set()
        return record

    def source(self, group: str, topics: Sequence[str]) -> MemorySource:
        """Return a source for a consumer group on these topics."""
        return MemorySource(self, group, topics)

    def next_assignment(self) -> int:
        """Return a number that no assignment had before."""
        return next(self._numbers)


class MemorySource:
    """The only member of its group. ``starved`` says that it has handed out everything there is."""

    def __init__(self, broker: MemoryBroker, group: str, topics: Sequence[str]) -> None:
        self._broker = broker
        self._group = group
        self._is_mine = subscribed(topics)
        self._trackers: defaultdict[str, Tracker] = defaultdict(Tracker)
        self._positions: dict[str, int] = {}
        self._pauses: Counter[str] = Counter()
        self._assignment = 0
        self._on_abandoned: Callable[[int], None] = lambda _: None
        self.starved = False

    async def start(self, on_abandoned: Callable[[int], None]) -> None:
        """Begin at the committed offsets."""
        self._on_abandoned = on_abandoned
        self._assign()

    async def fetch(self) -> Sequence[Record]:
        """Return what is there; when there is nothing, wait until something comes, a little at a time."""
        if found := self._take():
            return found
        self.starved = True
        self._broker.grown.clear()
        try:
            async with asyncio.timeout(0.05):
                await self._broker.grown.wait()
        except TimeoutError:
            return ()
        finally:
            self.starved = not self.lag
        return self._take()

    @property
    def _topics(self) -> Sequence[str]:
        return [topic for topic in self._broker.topics if self._is_mine(topic)]

    @property
    def lag(self) -> int:
        """How many records of unpaused topics are still to be fetched."""
        return sum(
            len(self._broker.topics[topic]) - self._position(topic) for topic in self._topics if not self._pauses[topic]
        )

    def finish(self, record: Record) -> None:
        """Commit the contiguous finished offsets; a record of an ended assignment changes nothing."""
        if record.assignment != self._assignment:
            return
        topic = record.coordinates.topic
        tracker = self._trackers[topic]
        tracker.finish(record.coordinates.offset)
        position = tracker.to_commit()
        if position is not None:
            self._broker.committed[self._group, topic] = position
            tracker.committed(position)

    def pause(self, partition: Partition) -> None:
        """Fetch nothing more of a topic until it is resumed as often as it was paused."""
        self._pauses[partition.topic] += 1

    def resume(self, partition: Partition) -> None:
        """Take one pause back."""
        self._pauses[partition.topic] -= 1
        self._broker.grown.set()

    def uncommitted(self, partition: Partition) -> int:
        """Return how many offsets a crash now would bring back."""
        return self._trackers[partition.topic].uncommitted

    async def rejoin(self) -> None:
        """Abandon everything and begin at the committed offsets again."""
        self._on_abandoned(self._assignment)
        self._assign()

    async def close(self) -> None:
        """Do nothing: every finished offset is committed already."""

    def _assign(self) -> None:
        self._assignment = self._broker.next_assignment()
        self._trackers = defaultdict(Tracker)
        self._positions = {topic: self._broker.committed.get((self._group, topic), 0) for topic in self._topics}

    def _position(self, topic: str) -> int:
        return self._positions.get(topic, self._broker.committed.get((self._group, topic), 0))

    def _take(self) -> list[Record]:
        found = []
        for topic in self._topics:
            if self._pauses[topic] > 0:
                continue
            log = self._broker.topics[topic]
            for record in log[self._position(topic) :]:
                self._trackers[topic].begin(record.coordinates.offset)
                found.append(replace(record, assignment=self._assignment))
            self._positions[topic] = len(log)
        return found

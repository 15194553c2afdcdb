"""KafkaSource: the engine's source on a Kafka consumer: the half that lives in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.kafka.assignments import Assignments
from farandole.kafka.batch import PREFETCH
from farandole.kafka.connection import Connection
from farandole.kafka.handover import HandOver
from farandole.kafka.member import Member
from farandole.kafka.membership import Membership
from farandole.kafka.pauses import Pauses
from farandole.metrics import Metrics

SESSION: Final = timedelta(seconds=6)
LONGEST_HEARTBEAT: Final = timedelta(seconds=1)
MAX_POLL: Final = timedelta(minutes=2)
NOTHING_CAME: Final = timedelta(milliseconds=500)
CLOSE_WITHIN: Final = timedelta(seconds=10)
_LOOK_AGAIN: Final = 0.01


class KafkaSource:
    """A member of the consumer group ``group`` on ``topics``. Its methods belong to one event loop.

    A group reads a partition that it never committed an offset for from its beginning, and says so by committing that
    offset at once. Where the log has not the offset that comes next, the gap is told loudly, and reading goes on where
    the log begins.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        group: str,
        topics: Sequence[str],
        metrics: Metrics,
        instance: str = "",
        session: timedelta = SESSION,
    ) -> None:
        """Plan a membership; nothing is connected yet.

        Args:
            connection: how the brokers are reached.
            group: the consumer group.
            topics: what is subscribed to, by name or, where it begins with ``^``, by pattern.
            metrics: where departures and losses are counted.
            instance: what tells this replica from others across restarts: a process that is started again under the
                same one takes its partitions back at once. Empty for none, and of no effect with a pattern.
            session: how long the group waits for a member that is silent before it gives its partitions away.
        """
        self._properties = connection.properties() | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": session // timedelta(milliseconds=1),
            "heartbeat.interval.ms": min(session / 6, LONGEST_HEARTBEAT) // timedelta(milliseconds=1),
            "max.poll.interval.ms": max(session, MAX_POLL) // timedelta(milliseconds=1),
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 100,
            "topic.metadata.refresh.interval.ms": 10_000,
            **PREFETCH,
        }
        # A static member that comes back is given its partitions of before without another look at who hears what: a
        # topic that began to match a pattern meanwhile would be nobody's. So such a member always joins anew.
        if instance and not any(topic.startswith("^") for topic in topics):
            self._properties["group.instance.id"] = instance
        self._topics = topics
        self._metrics = metrics
        self._group = group
        self._assignments = Assignments()
        self._pauses = Pauses()
        self._handover: HandOver | None = None
        self._member: Member | None = None
        self._membership: Membership | None = None

    @property
    def group(self) -> str:
        """The consumer group."""
        return self._group

    @property
    def status(self) -> Mapping[str, Any]:
        """What ``/status`` tells: partitions held, why the group was left last, the client's complaint, the lag."""
        if self._member is None or self._membership is None:
            return {"partitions": 0, "left": None, "lost_to_retention": 0, "error": None, "lag": 0}
        return {**self._membership.status, "error": self._member.error, "lag": self._member.lag}

    async def start(self, on_abandoned: Callable[[int], None]) -> None:
        """Join the group; librdkafka keeps trying while the brokers are away."""
        loop = asyncio.get_running_loop()

        def ended(number: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is left to abandon
                loop.call_soon_threadsafe(on_abandoned, number)

        self._membership = Membership(self._group, metrics=self._metrics, on_ended=ended)
        self._handover = HandOver(loop)
        self._member = Member(
            self._properties,
            topics=self._topics,
            assignments=self._assignments,
            pauses=self._pauses,
            handover=self._handover,
            told=self._membership,
        )
        self._member.start()

    async def fetch(self) -> Sequence[Record]:
        """Return the next records; empty when none came for half a second.

        Raises:
            MembershipError: the group cannot be joined again; the error says what to do.
        """
        assert self._member is not None
        assert self._handover is not None
        if self._member.refused is not None:
            raise self._member.refused
        return [record for record in await self._handover.take(NOTHING_CAME) if self._is_current(record)]

    def finish(self, record: Record) -> None:
        """Note that a record is settled; committed within some hundred milliseconds."""
        self._assignments.finish(record.assignment, record.coordinates.offset)

    def pause(self, partition: Partition) -> None:
        """Pause a partition; pauses are counted, and re-applied when the partition is assigned again."""
        self._pauses.add(partition)

    def resume(self, partition: Partition) -> None:
        """Take one pause back; the partition is fetched again when none is left."""
        self._pauses.remove(partition)

    def uncommitted(self, partition: Partition) -> int:
        """Return how many offsets a crash now would bring back; 0 for a partition that is not assigned."""
        assignment = self._assignments.current(partition)
        return 0 if assignment is None else assignment.tracker.uncommitted

    async def rejoin(self) -> None:
        """Abandon every assignment without committing more, and start again from the committed offsets."""
        if self._member is None:
            return
        self._member.rejoin()
        # What was handed over already is not dropped here: some of it may be of the new assignments, when the loop is
        # busy for long enough; `fetch` tells the old from the new.
        while self._member.rejoins and self._member.lives:  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(_LOOK_AGAIN)

    async def close(self) -> None:
        """Commit what is finished and leave the group; waits at most ten seconds."""
        if self._member is None or self._handover is None:
            return
        self._member.stop()
        deadline = time.monotonic() + CLOSE_WITHIN.total_seconds()
        while self._member.lives and time.monotonic() < deadline:
            self._handover.drop()
            await asyncio.sleep(_LOOK_AGAIN)

    def leave(self, within: timedelta) -> None:
        """Leave the group for a loop that stands still: from any other thread. Blocks, for so long at most."""
        if self._member is not None:
            self._member.stop()
            self._member.join(within)

    def _is_current(self, record: Record) -> bool:
        partition = Partition(topic=record.coordinates.topic, number=record.coordinates.partition)
        assignment = self._assignments.current(partition)
        return assignment is not None and assignment.number == record.assignment

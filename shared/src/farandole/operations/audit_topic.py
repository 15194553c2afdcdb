"""AuditTopic: what operators did to a mesh, in the order in which they did it; written before it is done, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from farandole.clock import Clock, SystemClock
from farandole.engine.ports import Message, Partition
from farandole.errors import OperationError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.permission import demand_visible, permitted
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import AUDIT, audit_topic, create, missing
from farandole.operations.audit_record import KINDS, MOST_BYTES, AuditRecord, Decoding, Noted, encoded

LOOK_EVERY: Final = timedelta(milliseconds=500)
BROKERS_CHOICE: Final = -1
_ONLY: Final = Partition(topic=AUDIT, number=0)


class AuditTopic:
    """The audit topic of a mesh. An async context manager; for one event loop, any number of its tasks.

    Nothing is ever changed or taken away in it. Whoever may write to the topic may write anything, so what is read is
    bounded, and what is no record of ours is passed over and counted (``foreign``).

    Every method raises BrokerUnavailableError, and NotPermittedError where the brokers refuse who asks.
    """

    def __init__(self, connection: Connection, *, clock: Clock | None = None) -> None:
        self.foreign = 0
        """How many records were met that are none."""
        self._connection = connection
        self._clock = clock or SystemClock()
        self._publisher: KafkaPublisher | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._publisher is not None:
            await self._publisher.close()
            self._publisher = None

    async def append(self, record: AuditRecord) -> None:
        """Return once the brokers have the record, on every replica in sync. The first one of a mesh makes the topic.

        Records that one task appends keep their order. Raises OperationError where the record is too large.
        """
        value = encoded(record)
        if len(value) > MOST_BYTES:
            raise OperationError(
                f"what is to be recorded of {record.operation} has {len(value):,} bytes",
                why=f"a record of {AUDIT} may have {MOST_BYTES:,}, and nothing is done that is not recorded",
                do="choose fewer events at once",
            )
        message = Message(topic=AUDIT, key=record.operation.encode(), value=value, headers=(), partition=_ONLY.number)
        with permitted(f"write to {AUDIT}"):
            await (await self._opened()).publish([message])

    async def read(
        self, *kinds: type[AuditRecord], since: datetime | None = None, operation: str = ""
    ) -> Sequence[Noted]:
        """Return the records of these kinds (all of the library's where none is named), oldest first.

        ``since`` (aware) is compared with the brokers' time; ``operation`` names the one that is asked for. A mesh to
        which nothing was ever done has none.
        """
        decoding = Decoding(kinds or KINDS)
        with permitted(f"read {AUDIT}"):
            found = await asyncio.to_thread(self._read, decoding, 0, since, operation)
        self.foreign += decoding.foreign
        return found[0]

    async def follow(self, *kinds: type[AuditRecord], operation: str = "", start: int = 0) -> AsyncIterator[Noted]:
        """Yield the records from the offset ``start`` on, and then whatever is appended, for ever."""
        while True:
            decoding = Decoding(kinds or KINDS)
            with permitted(f"read {AUDIT}"):
                found, start = await asyncio.to_thread(self._read, decoding, start, None, operation)
            self.foreign += decoding.foreign
            for one in found:
                yield one
            await self._clock.sleep(LOOK_EVERY)

    async def _opened(self) -> KafkaPublisher:
        async with self._lock:
            if self._publisher is None:
                lacking = await missing(self._connection, [audit_topic()])
                await create(self._connection, lacking, replication=BROKERS_CHOICE)
                self._publisher = KafkaPublisher(self._connection)
        return self._publisher

    def _read(self, decoding: Decoding, start: int, since: datetime | None, operation: str) -> tuple[list[Noted], int]:
        """Return the records from ``start`` or ``since`` on, and the offset that comes next."""
        log = LogReader(self._connection)
        if _ONLY not in log.partitions():
            demand_visible(self._connection, AUDIT)
            return [], start
        end = log.ends([_ONLY])[_ONLY]
        first = max(start, log.starts([_ONLY])[_ONLY])
        if since is not None:
            later = log.since([_ONLY], since)[_ONLY]
            first = max(first, later if later >= 0 else end)
        found = []
        for records in log.records({_ONLY: Span(start=first, end=end)}):
            for one in records:
                record = decoding.decode(one.value, operation=operation)
                if record is not None:
                    found.append(Noted(offset=one.coordinates.offset, record=record))
        return found, max(end, start)

"""Redelivery: gives records to one service again, through its redelivery topic, each of them once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from farandole import headers as names
from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.errors import OperationError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.permission import demand_visible, permitted
from farandole.kafka.publisher import KafkaPublisher
from farandole.operations.sending import Sending, origin_of, replay_id_of
from farandole.operations.sent import Sent
from farandole.private_topics import PrivateTopics


class Redelivery:
    """Sends records to ``service`` for one operation. An async context manager; for one task of one event loop.

    **Each once.** Whoever begins notes `marks` in the audit topic first. Whoever goes on with an operation that was
    interrupted asks `sent` with these marks, and leaves out what is in it. Should a record be there twice all the same
    (the brokers took it after they were asked), the service's ledger drops the second.

    Every method raises BrokerUnavailableError, and NotPermittedError where the brokers refuse who asks. After either
    of them `send` may have sent a part: nothing may be sent before `sent` was asked again.
    """

    def __init__(self, connection: Connection, *, service: str, operation: str) -> None:
        self.topic = PrivateTopics(service=service, tiers=0).redelivery
        self._service = service
        self._operation = operation
        self._connection = connection
        self._partitions: Sequence[Partition] = ()
        self._publisher: KafkaPublisher | None = None

    async def __aenter__(self) -> Self:
        """Find the topic. Raises OperationError where there is none."""
        with permitted(f"read {self.topic}"):
            everywhere = await asyncio.to_thread(self._log().partitions)
        mine = [one for one in everywhere if one.topic == self.topic]
        self._partitions = sorted(mine, key=lambda one: one.number)
        if not self._partitions:
            await asyncio.to_thread(demand_visible, self._connection, self.topic)
            raise OperationError(
                f"there is no topic {self.topic} on this mesh",
                why=f"{self._service} never ran here, or another mesh is meant",
                do="farandole topics apply   creates it; farandole contexts   shows the meshes",
                code="E518",
            )
        self._publisher = KafkaPublisher(self._connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._publisher is not None:
            await self._publisher.close()
            self._publisher = None

    async def marks(self) -> Mapping[int, int]:
        """Return the present ends by partition: whatever is sent from now on lies there or beyond."""
        with permitted(f"read {self.topic}"):
            ends = await asyncio.to_thread(self._log().ends, self._partitions)
        return {one.number: ends[one] for one in self._partitions}

    async def send(self, sendings: Sequence[Sending]) -> None:
        """Return once the brokers have all of these. Events of one key keep their order.

        Raises OversizeError, with nothing sent, where one is too large.
        """
        assert self._publisher is not None, "use it as a context manager"
        messages = [
            one.message(topic=self.topic, partitions=len(self._partitions), operation=self._operation)
            for one in sendings
        ]
        with permitted(f"write to {self.topic}"):
            await self._publisher.publish(messages)

    async def sent(self, since: Mapping[int, int]) -> Sent:
        """Return what this operation has sent, by origin and replay, at ``since`` (its `marks`) or beyond.

        Raises OperationError where the topic does not reach back so far, so that nobody can tell.
        """
        with permitted(f"read {self.topic}"):
            return await asyncio.to_thread(self._read_back, since)

    def _read_back(self, since: Mapping[int, int]) -> Sent:
        log, found, id_ = self._log(), Sent(), self._operation.encode()
        starts, ends = log.starts(self._partitions), log.ends(self._partitions)
        spans: dict[Partition, Span] = {}
        for one in self._partitions:
            mark = since.get(one.number, 0)
            if not starts[one] <= mark <= ends[one] and one.number in since:
                raise self._forgotten(one, mark)
            spans[one] = Span(start=max(mark, starts[one]), end=ends[one])
        for records in log.records(spans):
            for record in records:
                if _operation_of(record) == id_ and (origin := origin_of(record.headers)) is not None:
                    found.add(origin, replay_id_of(record.headers))
        return found

    def _log(self) -> LogReader:
        return LogReader(self._connection)

    def _forgotten(self, partition: Partition, mark: int) -> OperationError:
        return OperationError(
            f"nobody can tell any more what {self._operation} has sent",
            why=f"{partition.topic}, partition {partition.number}, has not got offset {mark}: "
            "it was deleted with age, or the topic was made again",
            do="begin a new one: what the service has handled meanwhile is left out, or dropped",
            code="E517",
        )


def _operation_of(record: Record) -> bytes | None:
    return next((value for name, value in reversed(record.headers) if name == names.OPERATION), None)

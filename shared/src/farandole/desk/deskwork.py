"""Deskwork: what the desk itself writes to a ``.dlq`` topic: letters put aside, opened again, or edited."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from farandole.delivery import Record
from farandole.desk.case import Case
from farandole.desk.letter import Letter
from farandole.desk.mark_record import edited, mark
from farandole.desk.reader import Reader
from farandole.desk.redrive_plan import bare, spans_of
from farandole.engine.ports import Message
from farandole.engine.size import MOST_PRIVATE_BYTES, fits_private_topic
from farandole.errors import OversizeError
from farandole.kafka.connection import Connection
from farandole.kafka.permission import permitted
from farandole.kafka.publisher import KafkaPublisher

BATCH: Final = 500


class Deskwork:
    """Writes for one operation. An async context manager; for one event loop.

    Every method raises BrokerUnavailableError, and NotPermittedError where the brokers refuse who asks. Written twice,
    after a failure in the middle, each of them means the same.
    """

    def __init__(self, connection: Connection, reader: Reader, *, operation: str) -> None:
        self._connection = connection
        self._reader = reader
        self._operation = operation
        self._publisher: KafkaPublisher | None = None

    async def __aenter__(self) -> Self:
        self._publisher = KafkaPublisher(self._connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._publisher is not None:
            await self._publisher.close()

    async def mark(self, cases: Sequence[Case], *, discards: bool) -> int:
        """Put the letters of these cases aside, or open them again; return how many are marked.

        One that was deleted in the meantime is not.
        """
        letters = {bare(one.letter.coordinates): one.letter for one in cases}
        batch, marked = list[Message](), 0
        async for record in self._reader.records(spans_of(list(letters))):
            letter = letters.get(bare(record.coordinates))
            if letter is not None:
                batch.append(mark(record, letter, discards=discards, operation=self._operation))
                marked += 1
            if len(batch) >= BATCH:
                await self._publish(batch)
                batch = []
        await self._publish(batch)
        return marked

    async def edit(self, record: Record, letter: Letter, value: bytes) -> None:
        """Write an edited copy of a letter. Raises OversizeError where no private topic takes it."""
        message = edited(record, letter, value, operation=self._operation)
        if not fits_private_topic(message):
            raise OversizeError(
                f"the edited letter is too large for {message.topic}",
                why=f"a private topic takes {MOST_PRIVATE_BYTES:,} bytes, with all headers",
                do="make the payload smaller",
            )
        await self._publish([message])

    async def _publish(self, messages: Sequence[Message]) -> None:
        assert self._publisher is not None, "use it as a context manager"
        if messages:
            with permitted(f"write to {messages[0].topic}"):
                await self._publisher.publish(messages)

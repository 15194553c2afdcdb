"""Payloads: the one place of the console that reads what is inside events, and that masks what is personal in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from farandole.codec import Codec
from farandole.delivery import Coordinates, Record
from farandole.desk.sheet import hidden_in
from farandole.engine.ports import Partition
from farandole.engine.size import MOST_PRIVATE_BYTES
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.masking import Masking
from farandole.personal import PersonalFields
from farandole.redaction import redacted_unless_unread
from farandole.runner import connection_of
from farandole.schema import Catalogue
from farandole.settings import Settings
from farandole.wire_schemas import catalogue_here

CLIENT = "farandole-console"


class Payloads:
    """Shows events by the tags of their schemas, as the commands do. Safe to share within one event loop.

    Whatever a page or the API shows of a payload comes from `masked`. `in_clear` is for the page that has written to
    the audit topic who asks and why (`farandole_console.pages.reveal`), and for nobody else.
    """

    def __init__(self, catalogue: Catalogue, connection: Connection) -> None:
        self._codec = Codec(catalogue, max_bytes=MOST_PRIVATE_BYTES)
        self._personal = PersonalFields(catalogue.versions)
        self._connection = connection

    async def record(self, at: Coordinates) -> Record | None:
        """Return the record at coordinates; None where there is none (any more). Raises BrokerUnavailableError."""
        return await asyncio.to_thread(self._read, at)

    def masked(self, value: bytes | None) -> Any:
        """Return what a record's value holds, masked; of bytes that are no event only the length."""
        return Masking(self._personal).payload(value, self._codec)

    def in_clear(self, value: bytes | None) -> Any:
        """Return what a record's value holds, whole."""
        return Masking(self._personal, pii=True).payload(value, self._codec)

    def said(self, text: str, value: bytes | None, *, error_class: str = "") -> str:
        """Return what was said about a payload, without what is personal in that."""
        return redacted_unless_unread(text, self._hidden(value), error_class=error_class)

    def _hidden(self, value: bytes | None) -> Sequence[str] | None:
        return hidden_in([value], codec=self._codec, personal=self._personal)

    def _read(self, at: Coordinates) -> Record | None:
        log, partition = LogReader(self._connection), Partition(topic=at.topic, number=at.partition)
        if partition not in log.partitions():
            return None
        if not log.starts([partition])[partition] <= at.offset < log.ends([partition])[partition]:
            return None
        span = Span(start=at.offset, end=at.offset + 1)
        found = (record for batch in log.records({partition: span}) for record in batch)
        return next((one for one in found if one.coordinates.offset == at.offset), None)


def payloads(settings: Settings) -> Payloads:
    """Return the payloads of the mesh of the settings, with the schemas that are installed here."""
    return Payloads(catalogue_here(settings), connection_of(settings, client=CLIENT))

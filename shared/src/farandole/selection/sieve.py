"""Sieve: the tests that a record must pass, the cheapest first, so that most records are never made into anything.

Times and keys are compared as the client gives them, then the envelope's headers as raw bytes; only what passed all
that is decoded, and only for an expression. Where raw bytes cannot decide, as of an envelope with a name twice or an
attribute that nobody believes, the engine's own intake reads the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Message

from farandole import headers as names
from farandole.delivery import HEADER_BYTES
from farandole.engine.intake import PREFIX_BYTES
from farandole.engine.ports import Partition
from farandole.errors import ContractError
from farandole.headers import MOST_HEADERS, kept
from farandole.kafka.reading import raw_headers_of
from farandole.selection.bound import Moment, Offset
from farandole.selection.reading import Reading
from farandole.selection.selected import Selected
from farandole.selection.selection import Selection
from farandole.selection.tally import Tally
from farandole.selection.where import Where

EARLIEST: Final = -(2**63)
LATEST: Final = 2**63
MOST_CLEAR: Final = 256
"""An attribute of more bytes than this is left to the intake: it may be too long to be believed."""


class Sieve:
    """Makes a `Selected` of each message that a selection means. For one thread."""

    def __init__(self, selection: Selection, reading: Reading, *, where: Where | None, tally: Tally) -> None:
        self._reading = reading
        self._where = where
        self._tally = tally
        self._first = selection.begin.millis if isinstance(selection.begin, Moment) else EARLIEST
        self._last = selection.end.millis if isinstance(selection.end, Moment) else LATEST
        self._lowest = selection.begin.number if isinstance(selection.begin, Offset) else 0
        self._is_bounded = (self._first, self._last, self._lowest) != (EARLIEST, LATEST, 0)
        self._keys = frozenset(key.encode() for key in selection.keys)
        self._types, self._flows, self._ids = selection.types, selection.flows, selection.ids
        self._wanted: tuple[tuple[str, frozenset[bytes]], ...] = tuple(
            (name, frozenset(filter(_is_clear, (one.encode() for one in wanted))))
            for name, wanted in (
                (names.TYPE, selection.types),
                (names.ID, selection.ids),
                (names.CORRELATION_ID, selection.flows),
            )
            if wanted
        )

    def take(self, message: Message, partition: Partition, offset: int) -> Selected | None:
        """Return the message as a record that is meant; None where it is not. Raises UsageError of the expression."""
        self._tally.read += 1
        millis = message.timestamp()[1]
        if self._is_bounded and not (self._first <= millis < self._last and offset >= self._lowest):
            return None
        key: Any = message.key()
        if self._keys and key not in self._keys:
            return None
        headers = raw_headers_of(message)
        attributes: dict[str, bytes | None] = dict(headers)
        is_plain = len(attributes) == len(headers) <= MOST_HEADERS
        clear = True
        if self._wanted:
            verdict = self._clear_verdict(attributes) if is_plain else None
            if verdict is False:
                return None
            clear = verdict is True
        value: Any = message.value()
        made = Selected(
            partition=partition,
            offset=offset,
            millis=millis,
            key=key,
            value=value,
            raw_headers=headers if is_plain else kept(headers),
            weight=_weight(key, value, attributes) if is_plain else _weight_of_all(key, value, headers),
            reading=self._reading,
        )
        if not (clear or self._is_meant(made)) or (self._where is not None and not self._answers(made)):
            return None
        self._tally.selected += 1
        return made

    def _clear_verdict(self, attributes: Mapping[str, bytes | None]) -> bool | None:
        """Decide by the raw headers; None where they do not tell: the envelope has to be read then."""
        for name, wanted in self._wanted:
            value = attributes.get(name)
            if value in wanted:
                continue
            if not value or len(value) > MOST_CLEAR or b"\0" in value or not value.isascii():
                return None
            return False
        return True

    def _is_meant(self, one: Selected) -> bool:
        envelope = one.envelope
        return (
            (not self._types or envelope.type in self._types)
            and (not self._ids or envelope.id in self._ids)
            and (not self._flows or envelope.correlation_id in self._flows)
        )

    def _answers(self, one: Selected) -> bool:
        assert self._where is not None
        if one.value is None or len(one.value) < PREFIX_BYTES:
            self._tally.undecodable += 1
            return False
        try:
            schema, fields = self._reading.codec.pick(one.value, self._where.fields)
        except ContractError:
            self._tally.undecodable += 1
            return False
        answer = self._where.answer(schema, fields, size=len(one.value))
        self._tally.unanswered += answer is None
        return answer is True


def _is_clear(value: bytes) -> bool:
    """Tell whether an attribute of these bytes means what it says, wherever it stands."""
    return 0 < len(value) <= MOST_CLEAR and b"\0" not in value


def _weight(key: bytes | None, value: bytes | None, attributes: Mapping[str, bytes | None]) -> int:
    own = (len(key) if key else 0) + (len(value) if value else 0) + HEADER_BYTES * len(attributes)
    try:
        return own + sum(map(len, attributes.values()))  # type: ignore[arg-type] # None is a TypeError, seen to
    except TypeError:
        return own + sum(len(held or b"") for held in attributes.values())


def _weight_of_all(key: bytes | None, value: bytes | None, headers: Any) -> int:
    return len(key or b"") + len(value or b"") + sum(HEADER_BYTES + len(held or b"") for _, held in headers)

"""The records that the desk itself writes to a ``.dlq`` topic: marks that put letters aside, and edited letters."""

from __future__ import annotations

from farandole import headers as names
from farandole.dead_letters import DISCARDED, REOPENED
from farandole.delivery import Record
from farandole.desk.letter import Letter, named
from farandole.engine.ports import Message
from farandole.headers import Headers


def mark(record: Record, letter: Letter, *, discards: bool, operation: str) -> Message:
    """Return the mark that puts the letter's event aside, or opens it again. ``record`` is the letter as it lies.

    It has the letter's key and envelope, but no payload.
    """
    own = (
        (names.ATTEMPT, str(letter.attempt)),
        (names.DISCARDS, (DISCARDED if discards else REOPENED).decode()),
        (names.OPERATION, operation),
    )
    kept = tuple((n, value) for n, value in record.headers if n in names.ENVELOPE or n in {names.ORIGIN, names.REPLAY})
    return _beside(record, None, (*kept, *_written(*own)))


def edited(record: Record, letter: Letter, value: bytes, *, operation: str) -> Message:
    """Return the edited copy of a letter: everything as it is but the payload, and a word of where it is from."""
    own = ((names.EDITED_FROM, named(letter.coordinates)), (names.OPERATION, operation))
    kept = tuple((n, text) for n, text in record.headers if n not in {names.EDITED_FROM, names.OPERATION})
    return _beside(record, value, (*kept, *_written(*own)))


def _beside(record: Record, value: bytes | None, headers: Headers) -> Message:
    """Return a record of the same partition, so that it is read after the letter."""
    at = record.coordinates
    return Message(topic=at.topic, key=record.key, value=value, headers=headers, partition=at.partition)


def _written(*pairs: tuple[str, str]) -> Headers:
    return tuple((name, text.encode()) for name, text in pairs)

"""Letters and cases as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from farandole.delivery import Coordinates
from farandole.desk.case import Case
from farandole.desk.letter import Letter, Mark, Subject
from farandole.ledger import Entry, State
from farandole.store.inbox_view import Remembered

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
SUBJECT = Subject(key=b"k" * 16, source="shop", event_id="e1", replay_id="", type="made.up.Placed", flow="f1")


def letter(
    attempt: int = 2, offset: int = 0, *, size: int | None = 10, edited: bool = False, error: str = "ValueError"
) -> Letter:
    return Letter(
        subject=SUBJECT,
        coordinates=Coordinates(topic="s.dlq", partition=0, offset=offset),
        attempt=attempt,
        round_start=0,
        appended=BEGAN + timedelta(seconds=offset),
        origin=Coordinates(topic="orders", partition=1, offset=7),
        handler="on",
        version="1",
        error_class=error,
        place="",
        fingerprint="f",
        size=size,
        is_bare=False,
        operation="",
        edited_from="s.dlq|0|0" if edited else "",
    )


def mark(attempt: int, offset: int, *, discards: bool) -> Mark:
    return Mark(
        subject=SUBJECT,
        coordinates=Coordinates(topic="s.dlq", partition=0, offset=offset),
        attempt=attempt,
        discards=discards,
        appended=BEGAN + timedelta(seconds=offset),
        operation="o",
    )


def entry(state: State, attempt: int) -> Entry:
    return Entry(attempt=attempt, coordinates=Coordinates(topic="orders", partition=1, offset=7), state=state)


def case(
    *letters: Letter,
    marks: Sequence[Mark] = (),
    entry: Entry | None = None,
    handled: int | None = None,
    tombstone: int | None = None,
    to_come: int | None = None,
) -> Case:
    inbox = None
    if handled is not None:
        inbox = Remembered(attempt=handled, is_handled=True)
    elif tombstone is not None:
        inbox = Remembered(attempt=tombstone, is_handled=False)
    return Case(letters=letters or (letter(),), marks=marks, entry=entry, inbox=inbox, to_come=to_come)

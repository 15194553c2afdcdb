"""EventSearch: which events are asked for, and where a page of them ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement

from farandole_console.plain_column import PlainColumn
from farandole_console.tables import event

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSearch:
    """What events must have in common; an empty text asks for nothing.

    ``type`` is a full name; ``since`` and ``until`` are the broker's times, the latter exclusive.
    """

    flow: str = ""
    key: str = ""
    id: str = ""
    type: str = ""
    service: str = ""
    topic: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return it as conditions on the table of events.

        The database may choose an index for the narrowest of them only: among many events of one type it would look for
        those of a key one by one.
        """
        narrowest_first = {
            "id": event.c.event_id,
            "flow": event.c.flow_id,
            "key": event.c.subject,
            "type": event.c.type,
            "topic": event.c.topic,
            "service": event.c.source,
        }
        asked = [(column, getattr(self, name)) for name, column in narrowest_first.items() if getattr(self, name)]
        found = [column == value for column, value in asked[:1]]
        found += [PlainColumn(column) == value for column, value in asked[1:]]
        if self.since is not None:
            found.append(event.c.appended >= self.since)
        if self.until is not None:
            found.append(event.c.appended < self.until)
        return found


EVERYTHING: Final = EventSearch()


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMark:
    """Where a page of events ended."""

    appended: datetime
    seq: int

    def __str__(self) -> str:
        return f"{(self.appended - _EPOCH) // _MICROSECOND}.{self.seq}"


def read_event_mark(text: str) -> EventMark | None:
    """Read a mark; None where it is none."""
    numbers = text.split(".")
    if len(numbers) != 2 or not all(one.isascii() and one.isdecimal() and len(one) <= _MOST_DIGITS for one in numbers):
        return None
    try:
        return EventMark(appended=_EPOCH + int(numbers[0]) * _MICROSECOND, seq=int(numbers[1]))
    except OverflowError:
        return None

"""Bound: where a selection begins or ends: a moment, or an offset of each partition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from farandole.errors import UsageError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
MOST_DIGITS: Final = 18
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_LOOKS_LIKE_TIME: Final = re.compile(r"\d{1,4}[-/.]\d|\d\d?:\d\d", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A moment of the broker's clock. ``at`` is aware; whatever its zone, it is compared in UTC."""

    at: datetime

    @property
    def millis(self) -> int:
        """The first whole millisecond that is not before it: what the time of a record is compared with."""
        return -((EPOCH - self.at) // MILLISECOND)

    @classmethod
    def of_millis(cls, millis: int) -> Moment:
        """Return the moment so many milliseconds after 1970 began."""
        return cls(at=EPOCH + millis * MILLISECOND)

    def __str__(self) -> str:
        """Say it in UTC, and in its own zone where that is another, so that a slip of the zone shows."""
        utc = f"{_short(self.at.astimezone(UTC))} UTC"
        return utc if not self.at.utcoffset() else f"{utc} ({_short(self.at)} at {self.at.isoformat()[-6:]})"

    @property
    def text(self) -> str:
        """It in RFC 3339, as `parse_bound` reads it."""
        return self.at.isoformat()


@dataclass(frozen=True, kw_only=True, slots=True)
class Offset:
    """An offset, the same number in each partition."""

    number: int

    def __str__(self) -> str:
        return f"offset {self.number}"

    @property
    def text(self) -> str:
        """It as `parse_bound` reads it."""
        return str(self.number)


Bound = Moment | Offset


def parse_bound(text: str) -> Bound:
    """Read an offset (``4711``) or a time in RFC 3339 that says its zone (``2026-11-23T14:00:00+01:00``, ``…Z``).

    Raises UsageError for everything else: a time without a zone above all, which is another moment on every machine.
    """
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and len(stripped) <= MOST_DIGITS:
        return Offset(number=int(stripped))
    found = _TIME.fullmatch(stripped)
    if found is None:
        raise _unreadable(text)
    if found["zone"] is None:
        raise UsageError(
            f"the time {text} does not say its zone",
            why="it is another moment here than on the broker's machine or a colleague's",
            do=f"say it: {stripped}Z for UTC, or an offset as in {stripped}+01:00",
            code="E520",
        )
    try:
        at = datetime.fromisoformat(stripped.upper().replace(" ", "T"))
        at.astimezone(UTC)  # in its own zone it may lie in the year 1 or 9999, and in UTC beyond it
        return Moment(at=at)
    except (ValueError, OverflowError) as wrong:
        raise UsageError(
            f"there is no time {text}", why=str(wrong), do="correct the day, the hour or the zone", code="E520"
        ) from wrong


def _unreadable(text: str) -> UsageError:
    kind = "time" if _LOOKS_LIKE_TIME.match(text.strip()) else "time or offset"
    return UsageError(
        f"{text} is no {kind} that can be read",
        why="a bound is a time in RFC 3339 with its zone, or an offset",
        do="write 2026-11-23T14:00:00Z, 2026-11-23T14:00:00+01:00, or an offset such as 4711",
        code="E520",
    )


def _short(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" + (f".{at.microsecond:06}".rstrip("0") if at.microsecond else "")

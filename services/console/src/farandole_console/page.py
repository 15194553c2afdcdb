"""Page: how lists are cut into pages, and the mark that says where the next one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

USUAL: Final = 50
LARGEST: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Where a page of flows ended: at the flow ``flow_id``, which began at ``began``."""

    began: datetime
    flow_id: str

    def __str__(self) -> str:
        return f"{(self.began - _EPOCH) // _MICROSECOND}.{self.flow_id}"


def read_mark(text: str) -> Mark | None:
    """Read a mark; None where it is none."""
    number, dot, flow_id = text.partition(".")
    if not dot or whole(number, most=10**_LONGEST_NUMBER) is None:
        return None
    try:
        return Mark(began=_EPOCH + int(number) * _MICROSECOND, flow_id=flow_id)
    except OverflowError:
        return None


def whole(text: str, *, most: int) -> int | None:
    """Read a number from 0 to ``most``; None where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        return None
    return int(text) if int(text) <= most else None

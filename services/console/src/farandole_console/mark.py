"""Mark: where a page of flows ended, and so where the next one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

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
    if not (dot and number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        return None
    try:
        return Mark(began=_EPOCH + int(number) * _MICROSECOND, flow_id=flow_id)
    except OverflowError:
        return None

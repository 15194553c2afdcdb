"""Words: how numbers, moments and names are written on pages. Pure; each is a filter or a function of the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

DEEPEST: Final = 12
"""Deeper branches are not moved further to the right: they would leave a phone's screen."""


def moment(at: datetime) -> str:
    """``2026-11-23 12:00:00.123``, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def clock(at: datetime) -> str:
    """``2026-11-23 12:00:00``, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def short(event_type: str) -> str:
    """``OrderPlaced`` of ``farandole.orders.OrderPlaced``."""
    return event_type.rpartition(".")[2] or event_type


def depth(levels: int) -> int:
    """The class of a branch."""
    return min(levels, DEEPEST)


def number(count: float) -> str:
    """``1,234``, or ``0.4`` where it is no whole number and small."""
    return f"{count:,.1f}" if count < 10 and count != int(count) else f"{round(count):,}"


def lasting(time: timedelta) -> str:
    """``3 h 12 min``, ``2 min 5 s``, ``1.4 s``."""
    seconds = max(0.0, time.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def json(shown: Any) -> str:
    """A payload as people read it."""
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def part(text: str) -> str:
    """A text as one part of a path, whatever is in it."""
    return quote(text, safe="")


def link(path: str, given: Mapping[str, Any] | None = None, /, **changed: Any) -> str:
    """A link to a path with these parameters; those that are empty are left out."""
    asked = {**(given or {}), **changed}
    query = urlencode({name: value for name, value in asked.items() if value not in {"", None}})
    return f"{path}?{query}" if query else path

"""Page: which rows of a listing are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

USUAL_ROWS: Final = 100
MOST_ROWS: Final = 1_000


class PageError(ValueError):
    """What is asked for is no page; the words say why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Up to ``limit`` rows, from the first one behind the order and stage of ``after``."""

    after: tuple[str, str]
    limit: int


def page_of(query: Mapping[str, str]) -> Page:
    """Read the page from a query; raises PageError."""
    after, limit = query.get("after", ""), query.get("limit", str(USUAL_ROWS))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= MOST_ROWS):
        raise PageError(f"limit must be a number from 1 to {MOST_ROWS}")
    if "\x00" in after:
        raise PageError("after is no id")  # no database keeps such a text, and PostgreSQL does not even compare it
    order_id, slash, stage = after.rpartition("/")
    if after and not slash:
        raise PageError("after must be what `next` of a page said: ORDER/STAGE")
    return Page(after=(order_id, stage), limit=int(limit))


def cursor(order_id: str, stage: str) -> str:
    """Return the ``after`` of the page behind a row. An order's id may hold a slash, a stage does not."""
    return f"{order_id}/{stage}"

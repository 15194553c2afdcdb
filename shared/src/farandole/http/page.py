"""Page: which rows of a listing are asked for: ``?after=CURSOR&limit=COUNT``.

A page begins behind a row, not at a number of rows, so rows that come meanwhile neither hide nor repeat one. What the
cursor is depends on the listing's order: a text, a number, or a pair. Whatever else is said is refused with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from farandole.http.refusal import RequestRefusedError

Cursor = TypeVar("Cursor")
Row = TypeVar("Row")
Following = TypeVar("Following")

USUAL_ROWS: Final = 100
MOST_ROWS: Final = 1_000
LARGEST_NUMBER: Final = 2**63 - 1
"""What a database's widest integer holds."""
_MOST_DIGITS: Final = len(str(LARGEST_NUMBER))


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[Cursor]):
    """Up to ``limit`` rows (at least 1), from the first one behind ``after``."""

    after: Cursor
    limit: int

    def following(self, rows: Sequence[Row], cursor: Callable[[Row], Following]) -> Following | None:
        """Return the cursor of the page behind these rows, or None where they are the last.

        A page that is full may be the last all the same; then the one behind it is empty.
        """
        return cursor(rows[-1]) if len(rows) == self.limit else None


def page_of(query: Mapping[str, str], *, usual: int = USUAL_ROWS, most: int = MOST_ROWS) -> Page[str]:
    """Read a page of rows that are ordered by a text.

    Args:
        query: the parameters of the request. Without ``after`` the listing begins at its first row.
        usual: the rows of a page whose ``limit`` is not said.
        most: the largest ``limit``.

    Raises:
        RequestRefusedError: the limit is no number from 1 to ``most``, or ``after`` is no text that a row could have.
    """
    return Page(after=text_of(query, "after"), limit=_limit(query, usual, most))


def numbered_page_of(query: Mapping[str, str], *, usual: int = USUAL_ROWS, most: int = MOST_ROWS) -> Page[int]:
    """Read a page of rows that are ordered by a number above 0; see `page_of`."""
    return Page(after=number_of(query, "after", usual=0), limit=_limit(query, usual, most))


def paired_page_of(
    query: Mapping[str, str], *, usual: int = USUAL_ROWS, most: int = MOST_ROWS
) -> Page[tuple[str, str]]:
    """Read a page of rows that are ordered by two texts, the cursor of which is a `pair`; see `page_of`."""
    page = page_of(query, usual=usual, most=most)
    first, slash, second = page.after.rpartition("/")
    if page.after and not slash:
        raise RequestRefusedError("after must be what `next` of a page said: two ids and a slash between them")
    return Page(after=(first, second), limit=page.limit)


def pair(first: str, second: str) -> str:
    """Return the cursor of a row that is ordered by two texts. The first may hold a slash, the second may not."""
    return f"{first}/{second}"


def number_of(query: Mapping[str, str], name: str, *, usual: int, fewest: int = 0, most: int = LARGEST_NUMBER) -> int:
    """Read a parameter that is a whole number, in plain digits; ``usual`` where it is not said.

    Raises:
        RequestRefusedError: it is none from ``fewest`` to ``most``.
    """
    said = query.get(name)
    if said is None:
        return usual
    # Counted before it is read: Python refuses to read a number of many thousand digits in words of its own.
    if said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS and fewest <= int(said) <= most:
        return int(said)
    raise RequestRefusedError(f"{name} must be a number from {fewest} to {most}")


def text_of(query: Mapping[str, str], name: str) -> str:
    """Read a parameter that is compared with texts in a database; empty where it is not said.

    Raises:
        RequestRefusedError: no row could hold it; see `is_storable`.
    """
    said = query.get(name, "")
    if not is_storable(said):
        raise RequestRefusedError(f"{name} must not hold a NUL")
    return said


def is_storable(text: str) -> bool:
    """Tell whether a row could hold a text. PostgreSQL neither keeps nor compares one with a NUL in it."""
    return "\x00" not in text


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    return number_of(query, "limit", usual=usual, fewest=1, most=most)

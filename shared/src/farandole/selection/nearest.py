"""Nearest: a name that does not exist, answered with those that do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MOST_NAMED: Final = 30


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what to write instead: the name that is most like it, or all that there are."""
    names = sorted(set(known))
    by_folded = {one.casefold(): one for one in names}
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_folded[close[0]]}?"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"there are {', '.join(names[:MOST_NAMED])}{more}" if names else "there are none"

"""Traffic: the calls that the gateway counted, told apart by its answers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OUT: Final = 503
TOO_MANY: Final = 429


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Calls by their answer. The gateway says 503 during the outage and never after it, so no clock is needed.

    The peaks are those of whole seconds of the gateway's clock: of all calls that came after the outage, and of those
    that it took.
    """

    during: int = 0
    taken: int = 0
    refused: int = 0
    peak: int = 0
    peak_taken: int = 0
    by_second: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def calls(self) -> int:
        """All calls."""
        return self.during + self.taken + self.refused


def traffic(rows: Iterable[Mapping[str, Any]], *, system: str = "gateway") -> Traffic:
    """Count the rows of the sandbox's books of calls (second, system, status, count) that are of one system."""
    during, taken, refused = 0, Counter[int](), Counter[int]()
    every = Counter[int]()
    for row in rows:
        if row["system"] != system:
            continue
        second, status, count = row["second"], row["status"], row["count"]
        every[second] += count
        if status == OUT:
            during += count
        elif status == TOO_MANY:
            refused[second] += count
        else:
            taken[second] += count
    after = taken + refused
    return Traffic(
        during=during,
        taken=taken.total(),
        refused=refused.total(),
        peak=max(after.values(), default=0),
        peak_taken=max(taken.values(), default=0),
        by_second=dict(sorted(every.items())),
    )

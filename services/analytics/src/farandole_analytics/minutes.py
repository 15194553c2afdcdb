"""Minutes: the figures of every minute that is kept, added up over all partitions, and which of them are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farandole_analytics.figures import By, Figures, Parts, Slice, together
from farandole_analytics.sale import begin_of
from farandole_analytics.share import Share, ShareKey

CATCH_UP: Final = timedelta(minutes=15)
"""After a start, what changed this long before the latest change is told again: it may not have been told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The figures of one slice in one minute."""

    minute: int
    part: Slice
    figures: Figures

    @property
    def window(self) -> str:
        """The minute as ISO 8601."""
        return begin_of(self.minute).strftime("%Y-%m-%dT%H:%MZ")


class Minutes:
    """What the table says, ready to be read. Kept in memory, made anew from the table whenever that is recovered.

    Belongs to one event loop; nothing here suspends.
    """

    def __init__(self) -> None:
        self._parts: dict[int, dict[Slice, Figures]] = {}
        self._changed: dict[int, datetime] = {}
        self._told: dict[tuple[int, Slice], Figures] = {}
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, minute: int, parts: Parts, *, now: datetime) -> None:
        """Add a sale's parts to its minute."""
        if minute >= self._oldest:
            self._parts[minute] = together(self._parts.get(minute, {}), parts)
            self._changed[minute] = now

    def rebuild(self, shares: Iterable[tuple[ShareKey, Share]], *, now: datetime) -> None:
        """Forget the figures and take these; what changed within CATCH_UP of the latest is untold."""
        self._parts.clear()
        self._changed.clear()
        touched: dict[int, float] = {}
        for key, share in shares:
            self.add(key.minute, share.parts, now=now)
            touched[key.minute] = max(touched.get(key.minute, 0.0), share.touched)
        since = max(touched.values(), default=0.0) - CATCH_UP.total_seconds()
        for minute, parts in self._parts.items():
            if touched[minute] < since:
                self._told.update({(minute, part): figures for part, figures in parts.items()})
                del self._changed[minute]

    def forget(self, before: int) -> None:
        """Forget the minutes before this one, for good."""
        if before <= self._oldest:
            return
        self._oldest = before
        for minute in [one for one in self._parts if one < before]:
            del self._parts[minute]
            self._changed.pop(minute, None)
        for told in [one for one in self._told if one[0] < before]:
            del self._told[told]

    def lines(self, by: By, *, before: int | None, minutes: int) -> Sequence[Line]:
        """Return the figures of the latest so many minutes, those before ``before`` where it is given, latest first."""
        chosen = sorted((one for one in self._parts if before is None or one < before), reverse=True)[:minutes]
        return [
            Line(minute=minute, part=part, figures=figures)
            for minute in chosen
            for part, figures in sorted(self._parts[minute].items())
            if part.by is by
        ]

    def due(self, *, now: datetime, settle: timedelta, most: int) -> Sequence[Line]:
        """Return what is to be told: of minutes that are over and quiet, whatever changed since it was last told."""
        quiet = [
            minute
            for minute, changed in self._changed.items()
            if changed + settle <= now and begin_of(minute + 1) + settle <= now
        ]
        found: list[Line] = []
        for minute in sorted(quiet):
            for part, figures in sorted(self._parts[minute].items()):
                if self._told.get((minute, part)) != figures:
                    found.append(Line(minute=minute, part=part, figures=figures))
        return found[:most]

    def take_over(self, former: Minutes, *, now: datetime) -> None:
        """Take over what another generation told, of the minutes that it knew: what differs here is untold.

        Whatever the former had not told yet is untold here too.
        """
        for minute in self._parts.keys() & former._parts.keys():
            parts = self._parts[minute]
            for part in parts:
                self._told.pop((minute, part), None)
                if (minute, part) in former._told:
                    self._told[minute, part] = former._told[minute, part]
            if all(self._told.get((minute, part)) == figures for part, figures in parts.items()):
                self._changed.pop(minute, None)
            else:
                self._changed.setdefault(minute, former._changed.get(minute, now))

    def told(self, lines: Iterable[Line]) -> None:
        """Note what was told; a minute of which everything is told is looked at again when it changes."""
        self._told |= {(line.minute, line.part): line.figures for line in lines if line.minute in self._parts}
        for minute in {line.minute for line in lines} & self._changed.keys():
            if all(self._told.get((minute, part)) == figures for part, figures in self._parts[minute].items()):
                del self._changed[minute]

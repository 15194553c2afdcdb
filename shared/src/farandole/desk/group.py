"""Group: the dead letters of one service that failed alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farandole.desk.case import Case, Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Cases whose letters have one fingerprint. An event counts once, however many letters it has.

    ``sample`` is the id of the event that came in last.
    """

    service: str
    fingerprint: str
    type: str
    error_class: str
    place: str
    counts: Mapping[Standing, int]
    first_seen: datetime
    last_seen: datetime
    sample: str

    def document(self) -> dict[str, Any]:
        """Return the group as it is printed for programs."""
        counted = (Standing.OPEN, Standing.REDRIVEN, Standing.RESOLVED, Standing.DISCARDED)
        return {
            "service": self.service,
            "fingerprint": self.fingerprint,
            "type": self.type,
            "error_class": self.error_class,
            "place": self.place,
            **{one.value: self.counts.get(one, 0) for one in counted},
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "sample": self.sample,
        }


def grouped(service: str, cases: Iterable[Case]) -> Sequence[Group]:
    """Return the groups of these cases: those with the most open ones first, then those seen last."""
    by_fingerprint: dict[str, list[Case]] = {}
    for case in cases:
        by_fingerprint.setdefault(case.letter.fingerprint, []).append(case)
    groups = [_group(service, found) for found in by_fingerprint.values()]
    return sorted(groups, key=lambda one: (-one.counts.get(Standing.OPEN, 0), -one.last_seen.timestamp()))


def _group(service: str, cases: Sequence[Case]) -> Group:
    letters = [case.letter for case in cases]
    last = max(letters, key=lambda one: one.appended)
    return Group(
        service=service,
        fingerprint=last.fingerprint,
        type=last.subject.type,
        error_class=last.error_class,
        place=last.place,
        counts=Counter(case.standing for case in cases),
        first_seen=min(one.appended for one in letters),
        last_seen=last.appended,
        sample=last.subject.event_id,
    )

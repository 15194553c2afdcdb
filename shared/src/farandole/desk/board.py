"""Board: every event of one service that has dead letters, as they stood at one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from farandole.desk.case import Case, Standing
from farandole.desk.letter import Letter
from farandole.engine.ports import Partition
from farandole.errors import UsageError
from farandole.kafka.log_reader import Span

_PLACE: Final = re.compile(
    r"(?P<topic>.+?)(?:\|(?P<p1>\d{1,9})\|(?P<o1>\d{1,19})|\[(?P<p2>\d{1,9})\]@(?P<o2>\d{1,19}))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """The cases of ``service`` in the order in which their letters were written; ``spans`` is what was read."""

    service: str
    cases: Sequence[Case]
    spans: Mapping[Partition, Span]

    def called(self, name: str) -> Sequence[Case]:
        """Return the cases that a name means: an event's id, the coordinates of a letter, or a fingerprint."""
        place = _PLACE.fullmatch(name)
        if place is not None:
            wanted = place["topic"], int(place["p1"] or place["p2"]), int(place["o1"] or place["o2"])
            found = [case for case in self.cases if any(_place(one) == wanted for one in case.letters)]
            if found:
                return found
        by_id = [case for case in self.cases if case.letter.subject.event_id == name]
        return by_id or self.of_group(name)

    def of_group(self, fingerprint: str) -> Sequence[Case]:
        """Return the cases whose letter has this fingerprint."""
        return [case for case in self.cases if case.letter.fingerprint == fingerprint]

    def demanded(self, names: Sequence[str]) -> Sequence[Case]:
        """Return the cases of all these names, each once. Raises UsageError where one means nothing."""
        found: dict[bytes, Case] = {}
        for name in names:
            cases = self.called(name)
            if not cases:
                raise unknown(self.service, name)
            found |= {case.letter.subject.key: case for case in cases}
        return list(found.values())

    def standing(self, *wanted: Standing) -> Sequence[Case]:
        """Return the cases that stand so."""
        return [case for case in self.cases if case.standing in wanted]


def unknown(service: str, name: str) -> UsageError:
    """Return the error that a name means no dead letter."""
    return UsageError(
        f"{service} has no dead letter {name}",
        why="it is no event's id, no coordinates (topic|partition|offset) and no fingerprint of what its topic holds",
        do=f"farandole dlq ls --service {service} --all",
        code="E550",
    )


def _place(letter: Letter) -> tuple[str, int, int]:
    at = letter.coordinates
    return at.topic, at.partition, at.offset

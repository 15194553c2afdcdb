"""Choice: which dead letters of a service are meant: by name, by fingerprint, or by a selection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from farandole.desk.board import Board, unknown
from farandole.desk.case import Case
from farandole.desk.desk import Desk
from farandole.errors import UsageError
from farandole.kafka.log_reader import LogReader
from farandole.schema import Catalogue
from farandole.selection import Frozen, Reading, Request, Selection, freeze, resolve, scan
from farandole.selection.veil import veiled


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What somebody chose; a case has to be of all that is said.

    ``names`` are ids, coordinates or fingerprints, ``group`` a fingerprint. ``selection`` is about the letters: its
    times are when they were written. ``origins`` are the domain topics that the events came from. ``limit`` is how
    many at most are acted upon, or shown.
    """

    names: tuple[str, ...] = ()
    group: str = ""
    selection: Selection | None = None
    origins: frozenset[str] = frozenset()
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was said."""
        return not (self.names or self.group or self.selection or self.origins or self.limit)

    def veiled(self, catalogue: Catalogue) -> Choice:
        """Return it without what may be personal in its selection (`farandole.selection.veil`)."""
        return self if self.selection is None else replace(self, selection=veiled(self.selection, catalogue))

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `from_document` reads it again."""
        return {
            "names": list(self.names),
            "group": self.group,
            "selection": None if self.selection is None else self.selection.document(),
            "origins": sorted(self.origins),
            "limit": self.limit,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Choice:
        """Read what `document` returned. Raises KeyError, TypeError, ValueError or UsageError on anything else."""
        selection = document["selection"]
        return cls(
            names=tuple(map(str, document["names"])),
            group=str(document["group"]),
            selection=None if selection is None else Selection.from_document(selection),
            origins=frozenset(map(str, document["origins"])),
            limit=None if document["limit"] is None else int(document["limit"]),
        )


def choice(names: Sequence[str], group: str, request: Request, desk: Desk) -> Choice:
    """Return what was chosen on a command line: the topics of a request are those that the events came from.

    Raises UsageError where the request selects nothing that there can be.
    """
    selection = resolve(replace(request, topics=()), desk.catalogue, topics=(desk.topic,))
    bare = replace(selection, topics=(desk.topic,), limit=None)
    says_nothing = bare.is_everything and bare.begin is None and bare.end is None
    return Choice(
        names=tuple(names),
        group=group,
        selection=None if says_nothing else bare,
        origins=frozenset(request.topics),
        limit=selection.limit,
    )


async def chosen(desk: Desk, board: Board, what: Choice, *, pii: bool = True) -> Sequence[Case]:
    """Return the cases that are meant, those whose letters were written first in front, whatever the limit.

    Raises UsageError where a name or fingerprint means nothing, or the selection is none; and UnavailableError.
    """
    cases = board.demanded(what.names) if what.names else board.cases
    if what.group:
        if not board.of_group(what.group):
            raise unknown(board.service, what.group)
        cases = [one for one in cases if one.letter.fingerprint == what.group]
    if what.origins:
        cases = [one for one in cases if one.letter.origin.topic in what.origins]
    if what.selection is not None:
        places = await asyncio.to_thread(_selected, desk.log, what.selection, desk, pii=pii)
        cases = [one for one in cases if _place(one) in places]
    return cases


def nothing_chosen() -> UsageError:
    """Return the error that nobody said which letters are meant."""
    return UsageError(
        "which dead letters?",
        why="none is named, and all of them at once are seldom meant",
        do="name ids, or --group FINGERPRINT (farandole dlq ls shows them), or select: --type, --from, --where …",
        code="E555",
    )


def _selected(log: LogReader, selection: Selection, desk: Desk, *, pii: bool) -> set[tuple[str, int, int]]:
    reading = Reading(desk.catalogue, cluster=desk.cluster)
    frozen: Frozen = freeze(log, selection)
    return {
        (one.partition.topic, one.partition.number, one.offset)
        for batch in scan(log, frozen, selection, reading, pii=pii)
        for one in batch
    }


def _place(case: Case) -> tuple[str, int, int]:
    at = case.letter.coordinates
    return at.topic, at.partition, at.offset

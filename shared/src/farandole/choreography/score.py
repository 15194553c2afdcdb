"""Score: what the rules of a choreography read: the topology, the schema files and their marks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from farandole.choreography.marks import Marks
from farandole.contracts import Problem, SchemaFile
from farandole.contracts.folder import MARKS
from farandole.place import Place
from farandole.topology import Topology

NONE = Marks()


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A topology, and the schema files and marks by the event's full name."""

    topology: Topology
    files: Mapping[str, SchemaFile]
    marks: Mapping[str, Marks]

    def marks_of(self, event: str) -> Marks:
        """Return the marks of an event type."""
        return self.marks.get(event, NONE)

    def full(self, name: str) -> str:
        """Return the full name of an event that a mark names; nothing where there is none."""
        known = {*self.files, *(one.fullname for one in self.topology.events)}
        return next((one for one in sorted(known) if name in (one, short(one))), "")


def short(event: str) -> str:
    """Return an event type's own name."""
    return event.rpartition(".")[2]


def in_code(place: Place, code: str, what: str, *, why: str, do: str, services: Iterable[str]) -> Problem:
    """Return a problem of a line of Python."""
    file = place.beneath(Path(os.path.abspath(os.curdir)))  # noqa: PTH100 - without following links, as code was loaded
    return Problem(
        file=file, line=place.line, code=code, what=what, why=why, do=do, services=tuple(sorted(set(services)))
    )


def in_marks(
    file: SchemaFile, mark: str, code: str, what: str, *, why: str, do: str, services: Iterable[str]
) -> Problem:
    """Return a problem of the line of a mark."""
    line = file.line_of(MARKS, *mark.split("/"))
    return Problem(
        file=file.path, line=line, code=code, what=what, why=why, do=do, services=tuple(sorted(set(services)))
    )

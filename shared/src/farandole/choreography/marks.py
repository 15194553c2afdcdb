"""Marks: what a schema file says of the choreography, under ``choreography``: why something is meant to be so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from farandole.contracts import Problem, SchemaFile
from farandole.contracts.folder import MARKS

WORDS: Final = ("unheard", "unfed")
PAIRS: Final = ("undone_by", "bounded")
CODE: Final = "bad-mark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The marks of one event type.

    ``unheard`` says why no service hears it, ``unfed`` who outside the mesh emits it. ``undone_by`` names, for an
    event (when), the event that then takes this one back. ``bounded`` says, for a service that hears this event, why
    what it answers cannot go round for ever.
    """

    unheard: str = ""
    unfed: str = ""
    undone_by: Mapping[str, str] = field(default_factory=dict[str, str])
    bounded: Mapping[str, str] = field(default_factory=dict[str, str])


def read_marks(file: SchemaFile) -> tuple[Marks, list[Problem]]:
    """Return the marks of a file that are sound, and what is wrong with the others."""
    if file.marks is None:
        return Marks(), []
    if not isinstance(file.marks, dict):
        return Marks(), [_bad(file, f"{MARKS} is no object", (MARKS,))]
    given = cast("dict[str, Any]", file.marks)
    problems = list(_faults(file, given))
    sound = {name: value for name, value in given.items() if not any(name in one.what.split() for one in problems)}
    return Marks(**sound), problems


def _faults(file: SchemaFile, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in given.items():
        if name in WORDS:
            if not _said(value):
                yield _bad(file, f"{name} gives no reason", (MARKS, name))
        elif name in PAIRS:
            pairs = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            if not pairs or not all(map(_said, pairs.values())):
                yield _bad(file, f"{name} is no object of names and sentences", (MARKS, name))
        else:
            yield _bad(file, f"{name} is no mark", (MARKS, name))


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _bad(file: SchemaFile, what: str, at: tuple[str, ...]) -> Problem:
    return Problem(
        file=file.path,
        line=file.line_of(*at),
        code=CODE,
        what=what,
        why=f"the marks are {', '.join((*WORDS, *PAIRS))}; each says why something is so",
        do="correct the mark, or take it out",
    )

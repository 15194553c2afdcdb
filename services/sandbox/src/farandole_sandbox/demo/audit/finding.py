"""Finding: one thing that does not fit, and what kind of misfit it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from farandole_sandbox.demo.books import Books


class Kind(StrEnum):
    """Lost: something accepted came to nothing. Doubled: two effects for one key. Unexplained: no cause produces it."""

    LOST = "lost"
    DOUBLED = "doubled"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """What a rule found: the kind, whom it is about, and what is wrong, in words."""

    kind: Kind
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A misfit and the name of the rule that found it."""

    rule: str
    kind: Kind
    what: str


Rule: TypeAlias = Callable[[Books], Iterable[Misfit]]
"""A pure function of the books; it yields one misfit for each offender."""


def lost(what: str) -> Misfit:
    """Say that something is missing."""
    return Misfit(kind=Kind.LOST, what=what)


def doubled(what: str) -> Misfit:
    """Say that something is there twice."""
    return Misfit(kind=Kind.DOUBLED, what=what)


def unexplained(what: str) -> Misfit:
    """Say that something is there without a cause, or says what its causes do not."""
    return Misfit(kind=Kind.UNEXPLAINED, what=what)


def once(found: int, wanted: int, what: str) -> Iterable[Misfit]:
    """Compare how often something is there with how often it should be: not at all, or once."""
    if found > 1:
        yield doubled(f"{what}: {found} times")
    elif found < wanted:
        yield lost(f"{what}: missing")
    elif found > wanted:
        yield unexplained(f"{what}: there without a cause")

"""Expression: what can be said of a CEL expression from its text alone: which fields it names, and how it loops.

It reads no more than it must: what it cannot follow, as a field of a filtered list, is left to the evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 2_000
ITEM: Final = "[]"
"""In a path: the items of a list."""

_TEXT: Final = re.compile(
    r"""(?<!\w)(?:[bB]?[rR]|[rR][bB])(?:\"""[\s\S]*?\"""|'''[\s\S]*?'''|"[^"\n]*"|'[^'\n]*')"""
    r"""|(?<!\w)[bB]?(?:\"""(?:\\.|[^\\])*?\"""|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|//[^\n]*"""
)
_INDEX: Final = re.compile(r"\s*\[\s*\d+\s*\]")
_LOOP: Final = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*$")
_LOOP_OF: Final = re.compile(
    r"(?<![\w.)\]])(?P<path>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*|\s*\.\s*\[\])*)"
    r"\s*\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(\s*(?P<name>[A-Za-z_]\w*)\s*,"
)
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(\s*(?P<name>[A-Za-z_]\w*)\s*,")
_CHAIN: Final = re.compile(r"(?<![\w.)\]])(?P<path>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*|\s*\.\s*\[\])*)(?P<call>\s*\()?")
_WORDS: Final = frozenset(
    ("true", "false", "null", "in", "int", "uint", "double", "string", "bytes", "bool", "list", "map", "type", "dyn")
)
_TIME: Final = re.compile(r"""\btimestamp\s*\(\s*(?P<text>"[^"\\\n]*"|'[^'\\\n]*')\s*\)""")

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """The text of an expression, and what it names."""

    text: str
    paths: frozenset[Path]
    loops: int
    """How deep its macros (``exists``, ``all``, ``map`` …) lie in one another."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the event that it names, sorted."""
        return tuple(sorted({path[0] for path in self.paths}))

    @property
    def times(self) -> tuple[str, ...]:
        """The times that it writes out, as CEL expressions."""
        return tuple(f"timestamp({found['text']})" for found in _TIME.finditer(self.text))


def read(text: str) -> Expression:
    """Read an expression. Whether it is one is for the compiler to say."""
    bare = _INDEX.sub("." + ITEM, _TEXT.sub('""', text))
    return Expression(text=text, paths=frozenset(_paths(bare)), loops=_depth(bare))


def _paths(bare: str) -> Iterator[Path]:
    over = {found["name"]: (*_split(found["path"]), ITEM) for found in _LOOP_OF.finditer(bare)}
    local = {found["name"] for found in _BOUND.finditer(bare)}
    for found in _CHAIN.finditer(bare):
        path = _split(found["path"])
        if found["call"]:
            path = path[:-1]  # the last word is a function's name
        if not path or path[0] in _WORDS:
            continue
        if path[0] not in local:
            yield path
        elif path[0] in over:
            yield _unfolded(path, over)


def _unfolded(path: Path, over: dict[str, Path]) -> Path:
    """Return the path of a loop's variable as one of the event's."""
    seen: set[str] = set()
    while path[0] in over and path[0] not in seen:
        seen.add(path[0])
        path = (*over[path[0]], *path[1:])
    return path


def _split(chain: str) -> Path:
    return tuple(part.strip() for part in chain.split("."))


def _depth(bare: str) -> int:
    """Return how deep macros lie in one another, by the parentheses."""
    open_loops: list[bool] = []
    deepest = 0
    for place, sign in enumerate(bare):
        if sign == "(":
            open_loops.append(_LOOP.search(bare[max(0, place - 40) : place]) is not None)
            deepest = max(deepest, sum(open_loops))
        elif sign == ")" and open_loops:
            open_loops.pop()
    return deepest

"""Every error code in the source, with the sentences that it comes with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docs.reference.generate.markdown import table

ROOT: Final = Path(__file__).resolve().parents[3]
NOT_FOR_USERS: Final = frozenset({"tests"})
CODE: Final = re.compile(r"E\d{3}")
INTRODUCTION: Final = """\
# Error codes
Every error of Farandole says what happened, why, and what to do, under a code that does not change. Parts in `{}` are
filled in when it happens. A code whose sentence is a class's own (E100, E300 …) is what an error without a narrower one
carries.

"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A place in the source that says something under a code."""

    code: str
    what: str
    do: str
    place: str


def page() -> str:
    """Return the page."""
    return INTRODUCTION + table(
        ("code", "what happened", "what to do", "where"),
        ((one.code, one.what, one.do, f"`{one.place}`") for one in sorted(collect(ROOT), key=_order)),
    )


def collect(root: Path) -> set[Said]:
    """Return whatever the library and the services say under a code."""
    trees = {
        file: ast.parse(file.read_text("utf-8"))
        for folder in ("shared/src", "services")
        for file in sorted((root / folder).rglob("*.py"))
        if not NOT_FOR_USERS.intersection(file.parts) and not file.name.startswith(("fake_", "memory"))
    }
    kinds = dict(kind for tree in trees.values() for kind in _kinds(tree))
    return {said for file, tree in trees.items() for said in _said(tree, kinds, _place(file))}


def _kinds(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the error classes that have a code of their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (code := _own_code(node)):
            yield node.name, code


def _own_code(node: ast.ClassDef) -> str | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "code":
            return _code_of(line.value)
    return None


def _said(tree: ast.Module, kinds: Mapping[str, str], place: str) -> Iterator[Said]:
    sentences = Sentences(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (code := _own_code(node)):
            what = (ast.get_docstring(node) or node.name).splitlines()[0].replace("``", "`")
            yield Said(code=code, what=f"**{node.name}**: {what}", do="", place=place)
        elif isinstance(node, ast.Call):
            yield from _call(node, kinds, sentences, place)


def _call(node: ast.Call, kinds: Mapping[str, str], sentences: Sentences, place: str) -> Iterator[Said]:
    named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    given = next((code for part in (named.get("code"), *node.args) if (code := _code_of(part))), None)
    code = given or kinds.get(getattr(node.func, "id", ""))
    what = next((text for part in (named.get("what"), *node.args) if " " in (text := sentences.of(part))), "")
    if code and what:
        yield Said(code=code, what=what, do=sentences.of(named.get("do")), place=place)


def _code_of(node: ast.expr | None) -> str | None:
    constant = node.value if isinstance(node, ast.Constant) else None
    return constant if isinstance(constant, str) and CODE.fullmatch(constant) else None


class Sentences:
    """Reads what an expression says: literals, names that were given one above it, and what is filled in as ``{…}``."""

    def __init__(self, tree: ast.Module) -> None:
        self._given = [
            (node.lineno, target.id, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        ]

    def of(self, node: ast.expr | None) -> str:
        """Return the sentence; empty where it is none."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=parts):
                return "".join(self.of(part) or _hole(part) for part in parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.of(left) + self.of(right)
            case ast.IfExp(body=body, orelse=other):
                return " / ".join(filter(None, (self.of(body), self.of(other))))
            case ast.Name(id=name):
                above = [value for line, given, value in self._given if given == name and line < node.lineno]
                return self.of(above[-1]) if above else ""
            case _:
                return ""


def _hole(node: ast.expr) -> str:
    match node.value if isinstance(node, ast.FormattedValue) else node:
        case ast.Name(id=name) | ast.Attribute(attr=name) if not name.startswith("_"):
            return f"{{{name}}}"
        case _:
            return "{…}"


def _place(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[parts.index("src") + 1 :]) if "src" in parts else file.name


def _order(said: Said) -> tuple[str, bool, str, str, str]:
    return said.code, not said.what.startswith("**"), said.what, said.place, said.do

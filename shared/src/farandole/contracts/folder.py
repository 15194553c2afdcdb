"""Folder: the .avsc files of a mesh, one folder a topic and one file an event type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from farandole.contracts.problem import Problem

MARKS: Final = "choreography"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SchemaFile:
    """One .avsc file: its ``path`` below the schema folder, its ``topic`` (the folder's name) and its schema.

    ``marks`` is what the file says of the choreography. It is no part of the schema: a changed mark is no new version.
    """

    path: str
    topic: str
    text: str
    avsc: Mapping[str, Any]
    marks: Any = None

    @property
    def fullname(self) -> str:
        """The Avro full name of the event type; empty parts where the schema lacks them (the lint says so)."""
        return f"{self.avsc.get('namespace', '')}.{self.avsc.get('name', '')}"

    def line_of(self, *words: str) -> int:
        """Return the line on which the last of ``words`` is named, looking for each after the one before."""
        at = 0
        for word in words:
            found = self.text.find(f'"{word}"', at)
            at = found if found >= 0 else at
        return self.text.count("\n", 0, at) + 1


def read_folder(root: Path) -> tuple[tuple[SchemaFile, ...], tuple[Problem, ...]]:
    """Read every ``<topic>/<Event>.avsc`` below ``root``, in order of path; what is not JSON becomes a problem."""
    files: list[SchemaFile] = []
    problems: list[Problem] = []
    for path in sorted(root.glob("*/*.avsc")):
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(root).as_posix()
        try:
            files.append(schema_file(where, text))
        except ValueError as broken:
            problems.append(_not_json(where, getattr(broken, "lineno", 1), str(broken)))
    return tuple(files), tuple(problems)


def schema_file(path: str, text: str) -> SchemaFile:
    """Read the text of one file at ``path`` below the schema folder. Raises ValueError where it is no JSON object."""
    read = json.loads(text)
    if not isinstance(read, dict):
        raise ValueError("the file holds no JSON object")  # noqa: TRY004 - it is the value that is wrong
    avsc = cast("dict[str, Any]", read)
    marks = avsc.pop(MARKS, None)
    return SchemaFile(path=path, topic=path.partition("/")[0], text=text, avsc=avsc, marks=marks)


def by_topic(files: Iterable[SchemaFile]) -> dict[str, list[SchemaFile]]:
    """Group files by topic, both in order of name."""
    topics: dict[str, list[SchemaFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        topics.setdefault(file.topic, []).append(file)
    return topics


def _not_json(where: str, line: int, why: str) -> Problem:
    return Problem(
        file=where, line=line, code="E220", what="the file is no Avro schema", why=why, do="write the schema as JSON"
    )

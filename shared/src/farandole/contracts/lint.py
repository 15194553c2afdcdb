"""Lint: what a schema of the mesh must have beyond being Avro. Pure: files in, problems out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import fastavro

from farandole.avro_schema import fullname, records
from farandole.contracts.folder import SchemaFile
from farandole.contracts.problem import Problem
from farandole.contracts.rules import at_line, rules

Record = Mapping[str, Any]


def lint(files: Sequence[SchemaFile]) -> list[Problem]:
    """Return everything that is wrong with the schemas, in order of file and line."""
    problems: list[Problem] = []
    sound: list[SchemaFile] = []
    for file in files:
        found = list(_structure(file))
        problems += found
        if not found:
            sound.append(file)
            problems += rules(file)
    problems += _same_everywhere(sound)
    problems += _same_short_name(sound)
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.code))


def expanded(node: Any, known: Mapping[str, Record], home: str = "") -> Any:
    """Return a schema with every named type written out where it is used, so that two of them can be compared."""
    if isinstance(node, str):
        found = known.get(node) or known.get(f"{home}.{node}")
        return expanded(found, known, home) if found else node
    if isinstance(node, list):
        branches: list[Any] = node
        return [expanded(branch, known, home) for branch in branches]
    schema = cast("dict[str, Any]", node)
    if schema.get("type") == "record":
        home = str(schema.get("namespace", home))
        fields = [{**field, "type": expanded(field["type"], known, home)} for field in schema["fields"]]
        return {**schema, "namespace": home, "fields": fields}
    parts = {part: expanded(schema[part], known, home) for part in ("type", "items", "values") if part in schema}
    return {**schema, **parts}


def _structure(file: SchemaFile) -> Iterator[Problem]:
    """Yield what keeps the schema from being read at all, and recursion, which would let input crash a reader."""
    try:
        fastavro.parse_schema(json.loads(json.dumps(file.avsc)), named_schemas={}, _ignore_default_error=True)
    except Exception as broken:
        yield at_line(file, "E220", "the file is no Avro schema", why=_words(broken), do="correct the schema")
        return
    if file.avsc.get("type") != "record":
        yield at_line(file, "E220", "the schema is no record", why="an event has fields", do="make it a record")
        return
    for name in _recursive(file.avsc):
        yield at_line(
            file,
            "E226",
            f"the record {name} contains itself",
            why="a few hostile bytes could nest it until the process crashes",
            do="carry a flat array whose items name their parent",
            at=(name.rpartition(".")[2],),
        )


def _recursive(avsc: Record) -> Iterator[str]:
    def visit(node: Any, home: str, inside: tuple[str, ...]) -> Iterator[str]:
        match node:
            case str():
                yield from (name for name in (node, f"{home}.{node}") if name in inside)
            case list():
                for branch in node:  # pyright: ignore[reportUnknownVariableType]
                    yield from visit(branch, home, inside)
            case {"type": "record"}:
                record = cast("dict[str, Any]", node)
                space = str(record.get("namespace", home))
                for field in record["fields"]:
                    yield from visit(field["type"], space, (*inside, fullname(record, home)))
            case dict():
                for part in ("type", "items", "values"):
                    yield from visit(node.get(part), home, inside)  # pyright: ignore[reportUnknownMemberType]
            case _:
                pass

    return visit(avsc, "", ())


def _same_everywhere(files: Sequence[SchemaFile]) -> Iterator[Problem]:
    """Yield every second definition of a record that is not the first, whole."""
    first: dict[str, tuple[str, Any]] = {}
    for file in files:
        known = dict(records(file.avsc))
        for name, record in known.items():
            whole = expanded(record, known, name.rpartition(".")[0])
            path, before = first.setdefault(name, (file.path, whole))
            if before != whole:
                yield at_line(
                    file,
                    "E234",
                    f"the record {name} is not the one of {path}",
                    why="one name means one record: one class is generated for it",
                    do="make the definitions the same, docs included, or give one of them a name of its own",
                    at=(name.rpartition(".")[2],),
                )


def _same_short_name(files: Sequence[SchemaFile]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for file in files:
        for name, _ in records(file.avsc):
            short = name.rpartition(".")[2]
            other = first.setdefault(short, name)
            if other != name:
                why = f"the event package exports both {name} and {other} by that name"
                yield at_line(file, "E235", f"{short} is taken", why=why, do="rename one of them", at=(short,))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

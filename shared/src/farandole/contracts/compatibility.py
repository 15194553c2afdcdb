"""Compatibility: FULL_TRANSITIVE. Every version of an event type reads what every other version wrote."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, cast

from farandole.avro_schema import fullname
from farandole.contracts.folder import SchemaFile
from farandole.contracts.lock import LockLine, additions
from farandole.contracts.problem import Problem
from farandole.errors import ContractError

LOGICAL: Final = ("logicalType", "precision", "scale")
NOBODY: Final[Mapping[str, Collection[str]]] = {}


def compatible(
    files: Sequence[SchemaFile], lock: Sequence[LockLine], *, consumers: Mapping[str, Collection[str]] = NOBODY
) -> list[Problem]:
    """Return what keeps a version of an event type, locked or just written, from reading another.

    ``consumers`` names the services that read a type, by full name, so that a problem can say whom it would break.
    Raises ContractError where the package avro, of the extra ``contracts``, is not installed.
    """
    problems: list[Problem] = []
    versions = [*lock, *additions(files, lock)]
    for file in files:
        of_type = sorted((line for line in versions if line.fullname == file.fullname), key=lambda line: line.version)
        for older, newer in combinations(of_type, 2):
            problems += _pair(file, older, newer, consumers)
        if not any(line.fullname == file.fullname for line in lock):
            problems += _renamed(file, files, lock)
    return problems


def _pair(
    file: SchemaFile, older: LockLine, newer: LockLine, consumers: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    services = ", ".join(sorted(consumers.get(file.fullname, ())))
    for reader, writer in ((older, newer), (newer, older)):
        for where, message in _clashes(reader.schema, writer.schema):
            yield Problem(
                file=file.path,
                line=file.line_of(where) if where else 1,
                code="E240",
                what=f"version {reader.version} of {file.avsc['name']} cannot read version {writer.version}"
                + (f": this breaks {services}" if services else ""),
                why=message,
                do="keep the old field and add a new one, with a default; only fields with a default come and go",
                services=tuple(sorted(consumers.get(file.fullname, ()))),
            )
    for where, before, after in _hidden_changes(older.schema, newer.schema):
        yield Problem(
            file=file.path,
            line=file.line_of(*where.split(".")[-1:]),
            code="E241",
            what=f"{where} of {file.avsc['name']} means something else in version {newer.version}",
            why=f"it was {before} in version {older.version} and is {after}; readers would take one for the other",
            do="keep the old field as it is and add a new one, with a default",
        )


def _clashes(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the field, where one is at fault, and the sentence of every clash that the Avro library finds."""
    try:
        from avro.compatibility import ReaderWriterCompatibilityChecker  # noqa: PLC0415 - an extra
        from avro.schema import parse  # noqa: PLC0415
    except ImportError:
        raise ContractError(
            "compatibility cannot be checked",
            why="the package avro is not installed",
            do="pip install 'farandole[contracts]'",
            code="E242",
        ) from None
    checker: Any = cast("Any", ReaderWriterCompatibilityChecker)()
    result = checker.get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    if result.compatibility.name == "compatible":
        return
    names = sorted(filter(None, (_named_at(str(place), reader) for place in result.locations)))
    reasons = "; ".join(sorted(str(message) for message in result.messages))
    yield (names[0].rpartition(".")[2] if names else ""), f"{', '.join(names) or 'the record'}: {reasons}"


def _named_at(place: str, schema: Any) -> str:
    """Return the field names on the way of a place such as ``/fields/1/type``."""
    names: list[str] = []
    node = schema
    for step in place.strip("/").split("/"):
        try:
            node = node[int(step)] if step.isdigit() else node[step]
        except (KeyError, IndexError, TypeError):
            break  # the place leads through a type that is named here and defined elsewhere
        if isinstance(node, dict) and step.isdigit() and "name" in node:
            names.append(str(cast("dict[str, Any]", node)["name"]))
    return ".".join(names)


def _hidden_changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what changed its meaning though Avro calls it compatible: key, namespaces and logical types."""
    if older.get("key") != newer.get("key"):
        yield "key", str(older.get("key")), str(newer.get("key"))
    before, after = dict(_meanings(older)), dict(_meanings(newer))
    for where, was in before.items():
        if after.get(where, was) != was:
            yield where, was, after[where]


def _meanings(node: Any, path: str = "", home: str = "") -> Iterator[tuple[str, str]]:
    """Yield what Avro's rules overlook: by path, the full name of a record or the logical type of a value."""
    match node:
        case str():
            yield path, "no logical type"
        case list():
            for branch in node:  # pyright: ignore[reportUnknownVariableType]
                if branch != "null":
                    yield from _meanings(branch, path, home)
        case {"type": "record"}:
            record = cast("dict[str, Any]", node)
            yield path, f"the record {fullname(record, home)}"
            for field in record["fields"]:
                place = f"{path}.{field['name']}".lstrip(".")
                yield from _meanings(field["type"], place, str(record.get("namespace", home)))
        case {"type": "array", "items": items}:
            yield from _meanings(items, path, home)
        case {"logicalType": _}:
            schema = cast("dict[str, Any]", node)
            yield path, " ".join(str(schema[name]) for name in LOGICAL if name in schema)
        case {"type": inner}:
            yield from _meanings(inner, path, home)
        case _:
            pass


def _renamed(file: SchemaFile, files: Sequence[SchemaFile], lock: Sequence[LockLine]) -> Iterator[Problem]:
    """Yield a locked type that seems to have come back under another namespace: to readers it is another event."""
    present = {other.fullname for other in files}
    gone = sorted({line.fullname for line in lock if line.schema["name"] == file.avsc.get("name")} - present)
    if gone:
        yield Problem(
            file=file.path,
            line=file.line_of("namespace"),
            code="E243",
            what=f"{gone[0]} became {file.fullname}",
            why="the full name is the event type: its consumers would hear nothing more",
            do="keep the namespace; a new topic takes a new event type beside the old one",
        )

"""Foreign: a schema that came from a registry, read and held against limits before anything is made of it.

Whoever may register there decides what a worker compiles and how much a few bytes may become. So nothing in it
recurses, nothing takes no bytes (then what comes out is bounded by what came in), and it is small.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import fastavro

from farandole.avro_reader import compile_reader
from farandole.avro_schema import fullname
from farandole.errors import UnknownSchemaError
from farandole.schema import EventSchema

MOST_CHARACTERS: Final = 256 * 1024
MOST_NODES: Final = 1_000
MOST_DEPTH: Final = 32
MOST_FIXED: Final = 64 * 1024
MOST_NAME: Final = 256
UNNUMBERED: Final = 0
"""The version of a schema that is known by its id only: a registry numbers versions by subject."""

NUMBERS: Final = frozenset(("int", "long", "float", "double"))
PRIMITIVES: Final = NUMBERS | {"boolean", "bytes", "string"}
KEPT: Final = frozenset((("long", "timestamp-millis"),))
HARMLESS: Final = frozenset((("string", "uuid"),))
"""Logical types that say nothing about the value: such a field is read as what it is on the wire."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class RefusedError(ValueError):
    """A schema beyond the limits, or none at all; the message says which."""


def read_foreign(text: str, schema_id: int) -> EventSchema:
    """Read a schema of a registry. Raises UnknownSchemaError, which says why, where it is not one to be used."""
    try:
        avsc = _Foreign().read(text)
        fastavro.parse_schema(json.loads(json.dumps(avsc)), named_schemas={})
        compile_reader(avsc, lambda _: dict)
    except Exception as refused:
        raise UnknownSchemaError(
            f"schema id {schema_id} of the registry is not one to be used",
            why=str(refused) if isinstance(refused, RefusedError) else f"it is no Avro schema: {_words(refused)}",
            do="see who registered it; the record is in the dead-letter topic, raw",
        ) from refused
    name = fullname(avsc)
    return EventSchema(
        id=schema_id,
        name=name.rpartition(".")[2],
        fullname=name,
        topic=name.rpartition(".")[0].rpartition(".")[2],
        key=str(avsc.get("key", "")),
        version=UNNUMBERED,
        avsc=avsc,
    )


class _Foreign:
    """Walks one schema, and copies what is kept of it."""

    def __init__(self) -> None:
        self._nodes = 0
        self._depth_of: dict[str, int] = {}

    def read(self, text: str) -> Mapping[str, Any]:
        if len(text) > MOST_CHARACTERS:
            raise RefusedError(f"it has more than {MOST_CHARACTERS} characters")
        try:
            node = json.loads(text)
        except RecursionError:
            raise RefusedError("it is nested too deeply") from None
        if not isinstance(node, dict) or cast("dict[str, Any]", node).get("type") != "record":
            raise RefusedError("it is no record")
        avsc, _ = self._record(cast("dict[str, Any]", node), "", 0, empty=True)
        return avsc

    def _visit(self, node: Any, home: str, depth: int) -> tuple[Any, int]:
        """Return a copy of the type, and how many levels it has."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise RefusedError(f"it has more than {MOST_NODES} parts")
        if depth > MOST_DEPTH:
            raise RefusedError(f"it is nested more than {MOST_DEPTH} times")
        match node:
            case str():
                return self._named(node, home)
            case list():
                return self._union(node, home, depth)
            case {"type": str(kind)}:
                return self._complex(kind, cast("dict[str, Any]", node), home, depth)
            case _:
                raise RefusedError("it holds what is no type")

    def _named(self, name: str, home: str) -> tuple[Any, int]:
        if name in PRIMITIVES:
            return name, 0
        if name == "null":
            raise RefusedError("a field, an item or a value of it takes no bytes")
        whole = name if "." in name or not home else f"{home}.{name}"
        known = whole if whole in self._depth_of else name
        if known not in self._depth_of:
            raise RefusedError(f"it uses {name[:MOST_NAME]} before that is complete: it recurses, or never defines it")
        return known, self._depth_of[known]

    def _union(self, branches: list[Any], home: str, depth: int) -> tuple[Any, int]:
        if not branches or any(isinstance(branch, list) for branch in branches):
            raise RefusedError("a union of it is empty, or holds a union")
        # A null takes no bytes, but its place in the union does.
        read = [("null", 0) if one == "null" else self._visit(one, home, depth + 1) for one in branches]
        return [one for one, _ in read], 1 + max(levels for _, levels in read)

    def _complex(self, kind: str, node: dict[str, Any], home: str, depth: int) -> tuple[Any, int]:
        match kind:
            case "record":
                return self._record(node, home, depth, empty=False)
            case "array" | "map":
                part = "items" if kind == "array" else "values"
                inner, levels = self._visit(node.get(part), home, depth + 1)
                return {"type": kind, part: inner}, levels + 1
            case "enum":
                return self._enum(node, home)
            case "fixed":
                return self._fixed(node, home)
            case _:
                return self._primitive(kind, node, home)

    def _primitive(self, kind: str, node: dict[str, Any], home: str) -> tuple[Any, int]:
        inner, levels = self._named(kind, home)
        logical = node.get("logicalType")
        if logical is None or (kind, logical) in HARMLESS:
            return inner, levels
        if (kind, logical) not in KEPT:
            raise RefusedError(f"events do not carry {kind} as {str(logical)[:MOST_NAME]}")
        return {"type": kind, "logicalType": logical}, levels

    def _record(self, node: dict[str, Any], home: str, depth: int, *, empty: bool) -> tuple[dict[str, Any], int]:
        name, space = self._name(node, home)
        fields = node.get("fields")
        if not isinstance(fields, list) or not (fields or empty):
            raise RefusedError(f"the record {name} has no fields")
        read = [self._field(one, space, depth) for one in fields]
        names = [field["name"] for field, _ in read]
        if len(set(names)) != len(names):
            raise RefusedError(f"the record {name} has a field twice")
        levels = 1 + max((deep for _, deep in read), default=0)
        if levels + depth > MOST_DEPTH:
            raise RefusedError(f"it is nested more than {MOST_DEPTH} times")
        self._depth_of[name] = levels
        kept = {part: node[part] for part in ("key",) if part in node}
        return {"type": "record", "name": name, **kept, "fields": [field for field, _ in read]}, levels

    def _field(self, field: Any, home: str, depth: int) -> tuple[dict[str, Any], int]:
        if not isinstance(field, dict) or not _is_name(cast("dict[str, Any]", field).get("name"), dotted=False):
            raise RefusedError("a field of it has no name")
        inner, levels = self._visit(cast("dict[str, Any]", field).get("type"), home, depth + 1)
        return {"name": field["name"], "type": inner}, levels

    def _enum(self, node: dict[str, Any], home: str) -> tuple[Any, int]:
        name, _ = self._name(node, home)
        symbols: Any = node.get("symbols")
        if not isinstance(symbols, list) or not 0 < len(symbols) <= MOST_NODES:
            raise RefusedError(f"the enum {name} has no symbols, or too many")
        if not all(_is_name(one, dotted=False) for one in symbols):
            raise RefusedError(f"the enum {name} has a symbol that is none")
        self._depth_of[name] = 0
        return {"type": "enum", "name": name, "symbols": symbols}, 0

    def _fixed(self, node: dict[str, Any], home: str) -> tuple[Any, int]:
        name, _ = self._name(node, home)
        size = node.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MOST_FIXED:
            raise RefusedError(f"the fixed {name} has no size from 1 to {MOST_FIXED}")
        if "logicalType" in node:
            raise RefusedError(f"events do not carry fixed as {str(node['logicalType'])[:MOST_NAME]}")
        self._depth_of[name] = 0
        return {"type": "fixed", "name": name, "size": size}, 0

    def _name(self, node: dict[str, Any], home: str) -> tuple[str, str]:
        """Return the full name of a named type, and the namespace that its fields inherit."""
        given, space = node.get("name"), node.get("namespace", home)
        if not _is_name(given) or (space and not _is_name(space)):
            raise RefusedError("a type of it has no name, or a namespace that is none")
        name = fullname({"name": given, "namespace": space})
        if len(name) > MOST_NAME or name in self._depth_of:
            raise RefusedError(f"it names {name[:MOST_NAME]} twice, or too long")
        return name, name.rpartition(".")[0]


def _is_name(value: Any, *, dotted: bool = True) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None and (dotted or "." not in value)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]

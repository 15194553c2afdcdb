"""Python type: the annotation of a field of an event class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from farandole.errors import ContractError

PRIMITIVES: Final = {
    "boolean": "bool",
    "int": "Int32",
    "long": "int",
    "float": "float",
    "double": "float",
    "bytes": "bytes",
    "string": "str",
}


def python_type(node: Any) -> str:  # noqa: PLR0911 - one a kind of type
    """Return the annotation of a field of this Avro type, or raise ContractError where no class can carry it."""
    if isinstance(node, str):
        return PRIMITIVES.get(node) or node.rpartition(".")[2]
    if isinstance(node, list):
        branches: list[Any] = node
        return _union(branches)
    schema = cast("dict[str, Any]", node)
    kind = schema.get("type")
    if schema.get("logicalType") is not None:
        return _logical(schema)
    match kind:
        case "record":
            return str(schema["name"])
        case "array":
            return f"tuple[{python_type(schema['items'])}, ...]"
        case str() if kind in PRIMITIVES:
            return PRIMITIVES[kind]
        case list() | dict():
            return python_type(kind)
        case _:
            raise unsupported(f"the type {kind}")


def _union(branches: list[Any]) -> str:
    if len(branches) != 2 or branches[0] != "null":
        raise unsupported("a union other than null and one type, null first")
    return f"{python_type(branches[1])} | None"


def _logical(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "long" and schema["logicalType"] == "timestamp-millis":
        return "datetime"
    raise unsupported(f"the logical type {schema['logicalType']} on {schema['type']}")


def unsupported(what: str) -> ContractError:
    """Return the error for an Avro type that event classes do not carry."""
    return ContractError(
        f"event classes do not carry {what}",
        why="an event holds strings, numbers, booleans, bytes, timestamp-millis, records, arrays and optional ones",
        do="carry it as one of these: money as a long of minor units, a choice as a string, a map as an array",
        code="E237",
    )

"""Records: the named types of a schema, and the Python types of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
TIMESTAMP: Final = {"type": "long", "logicalType": "timestamp-millis"}


def fullname(record: Mapping[str, Any], namespace: str = "") -> str:
    """Return the full name of a named type that is defined inside ``namespace``."""
    name = str(record["name"])
    home = record.get("namespace", namespace)
    return name if "." in name or not home else f"{home}.{name}"


def records(node: Any, namespace: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every record that ``node`` defines, with its full name, those inside a record before the record."""
    if isinstance(node, list):
        for branch in cast("list[Any]", node):
            yield from records(branch, namespace)
    elif isinstance(node, dict):
        schema = cast("dict[str, Any]", node)
        if schema.get("type") == "record":
            home = str(schema.get("namespace", namespace))
            for field in schema.get("fields", ()):
                yield from records(field.get("type"), home)
            yield fullname(schema, namespace), schema
        else:
            for part in ("type", "items", "values"):
                yield from records(schema.get(part), namespace)


def python_type(node: Any) -> str:
    """Return the annotation of a field of this Avro type, or raise ContractError where no class can carry it."""
    if isinstance(node, str):
        return PRIMITIVES.get(node) or node.rpartition(".")[2]
    if isinstance(node, list):
        return _union(cast("list[Any]", node))
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
    if len(branches) != 2 or branches[0] != "null":  # noqa: PLR2004 - null and the type
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
        code="E222",
    )

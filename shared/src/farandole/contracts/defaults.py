"""Defaults: whether the default of a field is a value of its type. The compatibility checker does not ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

Known = Mapping[str, Mapping[str, Any]]
"""The named types of a schema by full name."""


def fits(default: Any, node: Any, known: Known) -> bool:  # noqa: PLR0911 - one a kind of type
    """Tell whether ``default``, as JSON holds it, is a value of the type ``node``; of a union, its first branch."""
    if isinstance(node, list):
        branches: list[Any] = node
        return bool(branches) and fits(default, branches[0], known)
    if isinstance(node, str):
        return CHECKS[node](default) if node in CHECKS else node in known and fits(default, known[node], known)
    schema = cast("dict[str, Any]", node)
    match schema.get("type"):
        case "record":
            return _record(default, schema, known)
        case "array":
            return isinstance(default, list) and all(fits(item, schema["items"], known) for item in default)  # pyright: ignore[reportUnknownVariableType]
        case "map":
            return isinstance(default, dict) and all(fits(item, schema["values"], known) for item in default.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case "enum":
            return default in schema["symbols"]
        case "fixed":
            return CHECKS["bytes"](default) and len(default) == schema["size"]
        case inner:
            return fits(default, inner, known)


def _record(default: Any, schema: Mapping[str, Any], known: Known) -> bool:
    if not isinstance(default, dict):
        return False
    given = cast("dict[str, Any]", default)
    return all(
        fits(given[field["name"]], field["type"], known) if field["name"] in given else "default" in field
        for field in schema["fields"]
    )


def _integer(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(1 << bits - 1) <= value < 1 << bits - 1


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: _integer(value, 32),
    "long": lambda value: _integer(value, 64),
    "float": _number,
    "double": _number,
    "bytes": lambda value: isinstance(value, str) and all(ord(char) < 256 for char in value),
    "string": lambda value: isinstance(value, str),
}

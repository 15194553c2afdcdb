"""Shape: which fields the events of some schemas have, below records and lists, and what a value of them looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from farandole.avro_schema import fullname
from farandole.selection.expression import ITEM, Path

SAMPLE_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLES: Final[Mapping[str, Any]] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "float": 1.0,
    "double": 1.0,
    "bytes": b"",
    "string": "",
}


class Shape:
    """The fields of a schema."""

    def __init__(self, avsc: Mapping[str, Any]) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}
        self.sample: Mapping[str, Any] = self._sample_of_record(avsc, "")
        """An event of the schema, with an item in each list and nothing absent that may be there."""
        self.paths: frozenset[Path] = frozenset(_paths(self.sample, ()))

    def _sample_of_record(self, record: Mapping[str, Any], home: str) -> dict[str, Any]:
        name = fullname(record, home)
        self._known[name] = record
        space = name.rpartition(".")[0]
        return {str(field["name"]): self._sample(field["type"], space) for field in record["fields"]}

    def _sample(self, node: Any, home: str) -> Any:  # noqa: C901, PLR0911 - one a kind of type
        match node:
            case str() if node in _SAMPLES:
                return _SAMPLES[node]
            case str():
                used = self._known.get(node) or self._known.get(f"{home}.{node}")
                return None if used is None else self._sample_of_record(used, home)
            case list():
                branches: list[Any] = [one for one in node if one != "null"]  # pyright: ignore[reportUnknownVariableType]
                return self._sample(branches[0], home) if branches else None
            case {"type": "record"}:
                return self._sample_of_record(cast("dict[str, Any]", node), home)
            case {"type": "array", "items": items}:
                return (self._sample(items, home),)
            case {"type": "map", "values": values}:
                return {ITEM: self._sample(values, home)}
            case {"type": "long", "logicalType": "timestamp-millis"}:
                return SAMPLE_TIME
            case {"type": "enum", "symbols": symbols}:
                return cast("list[str]", symbols)[0]
            case {"type": "fixed", "size": size}:
                return bytes(cast("int", size))
            case {"type": inner}:
                return self._sample(inner, home)
            case _:
                return None


def _paths(value: Any, at: Path) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from _paths(inner, (*at, name))
    elif isinstance(value, tuple):
        items: tuple[Any, ...] = value
        for inner in items:
            yield from _paths(inner, (*at, ITEM))


def written(path: Path) -> str:
    """Return a path as it is written in an expression."""
    return ".".join(path).replace(f".{ITEM}", "[0]")


def leads_somewhere(path: Path, known: frozenset[Path]) -> bool:
    """Tell whether a path is one of these; what a map holds may have any name."""
    return path in known or any(path[depth] != ITEM and (*path[:depth], ITEM) in known for depth in range(1, len(path)))

"""Sample: Python that makes an event, for a test to begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from farandole.avro_schema import records


@dataclass(kw_only=True)
class Sample:
    """The expressions of an event's fields, by name, and what a module must import for them."""

    fields: dict[str, str]
    values: set[str] = field(default_factory=set[str])
    moments: bool = False


def sample(avsc: Mapping[str, Any]) -> Sample:
    """Return a sample of an event's required fields. The key is ``k-1``."""
    made = Sample(fields={})
    known = dict(records(avsc))
    made.fields.update(_required(avsc, known, made))
    made.fields[str(avsc["key"])] = '"k-1"'
    return made


def constructor(name: str, fields: Mapping[str, str]) -> str:
    """Return a call with each argument on a line of its own."""
    return f"{name}(\n" + "".join(f"    {word}={value},\n" for word, value in fields.items()) + ")"


def _required(
    record: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], made: Sample
) -> Iterator[tuple[str, str]]:
    for one in record["fields"]:
        if "default" not in one:
            yield str(one["name"]), _value(one["type"], str(one["name"]), known, made)


def _value(node: Any, name: str, known: Mapping[str, Mapping[str, Any]], made: Sample) -> str:
    if isinstance(node, str):
        inner = next((one for full, one in known.items() if node in (full, full.rpartition(".")[2])), None)
        return _record(inner, known, made) if inner is not None else _plain(node, name)
    schema = cast("dict[str, Any]", node)
    if schema.get("logicalType") == "timestamp-millis":
        made.moments = True
        return "NOON"
    match schema.get("type"):
        case "record":
            return _record(schema, known, made)
        case "array":
            return "()"
        case kind:
            return _value(kind, name, known, made)


def _record(record: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], made: Sample) -> str:
    made.values.add(str(record["name"]))
    fields = dict(_required(record, known, made))
    return constructor(str(record["name"]), fields).replace("\n", "\n    ") if fields else f"{record['name']}()"


def _plain(kind: str, name: str) -> str:
    if kind == "string":
        return '"USD"' if name == "currency" else f'"{name}"'
    return {"boolean": "True", "bytes": 'b""', "float": "1.0", "double": "1.0"}.get(kind, "1")

"""Avro schema: the named types inside a schema, and what tells it from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast


def fullname(record: Mapping[str, Any], namespace: str = "") -> str:
    """Return the full name of a named type that is defined inside ``namespace``."""
    name = str(record["name"])
    home = record.get("namespace", namespace)
    return name if "." in name or not home else f"{home}.{name}"


def records(node: Any, namespace: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every record that ``node`` defines, with its full name, those inside a record before the record."""
    if isinstance(node, list):
        branches: list[Any] = node
        for branch in branches:
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


def digest(schema: Mapping[str, Any]) -> str:
    """Hash the whole schema, docs and logical types included, whatever the order of its keys.

    Avro's canonical form is no identity: it drops logical types.
    """
    whole = json.dumps(schema, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()

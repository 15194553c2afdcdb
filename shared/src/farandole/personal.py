"""Personal: which fields of an event are about a person, as its schema says (``"pii": true`` beside a field's name).

A tag counts for the record and field that it stands on wherever they appear: in every event that holds the record, and
in the versions that were written before the field was tagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from farandole.avro_schema import fullname, records
from farandole.schema import EventSchema

TAG: Final = "pii"
EACH: Final = "*"
"""In a tree: each value of a map."""

Tree = Mapping[str, Any]
"""What is personal below a record: by field name True (the whole field) or the tree of what the field holds.

Arrays and unions are passed through: the tree of a field is that of the records that lie in it.
"""


class PersonalFields:
    """Knows the personal fields of events. Compiled once a schema and kept; safe to share between threads."""

    def __init__(self, schemas: Iterable[EventSchema]) -> None:
        self._tagged = frozenset(tag for schema in schemas for tag in _tags(schema.avsc))
        self._trees: dict[int, tuple[EventSchema, Tree]] = {}

    def tree(self, schema: EventSchema) -> Tree:
        """Return what is personal in an event that was written with this schema; empty where nothing is."""
        known = self._trees.get(id(schema))
        if known is None or known[0] is not schema:
            tree = _record(schema.avsc, "", self._tagged | frozenset(_tags(schema.avsc)), {})
            self._trees[id(schema)] = known = schema, tree
        return known[1]


def is_personal(field: Mapping[str, Any]) -> bool:
    """Tell whether a field of a schema is tagged."""
    return field.get(TAG) is True


def _tags(avsc: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, record in records(avsc):
        for field in record["fields"]:
            if is_personal(field):
                yield name, str(field["name"])


def _record(
    record: Mapping[str, Any], home: str, tagged: frozenset[tuple[str, str]], known: dict[str, Mapping[str, Any]]
) -> dict[str, Any]:
    name = fullname(record, home)
    known[name] = record
    space = name.rpartition(".")[0]
    found: dict[str, Any] = {}
    for field in record["fields"]:
        inside = True if (name, str(field["name"])) in tagged else _inside(field["type"], space, tagged, known)
        if inside:
            found[str(field["name"])] = inside
    return found


def _inside(  # noqa: PLR0911 - one a kind of type
    node: Any, home: str, tagged: frozenset[tuple[str, str]], known: dict[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what is personal in the records that a type holds."""
    match node:
        case str():
            used = known.get(node) or known.get(f"{home}.{node}")
            return _record(used, home, tagged, known) if used is not None else {}
        case list():
            branches: list[Any] = node
            return {key: one for branch in branches for key, one in _inside(branch, home, tagged, known).items()}
        case {"type": "record"}:
            return _record(cast("dict[str, Any]", node), home, tagged, known)
        case {"type": "array", "items": inner}:
            return _inside(inner, home, tagged, known)
        case {"type": "map", "values": inner}:
            each = _inside(inner, home, tagged, known)
            return {EACH: each} if each else {}
        case {"type": dict() | list() as inner}:
            return _inside(inner, home, tagged, known)
        case _:
            return {}

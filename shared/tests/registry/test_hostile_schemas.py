"""A schema from a registry is held against limits before anything is compiled from it.

Whoever may register schemas could otherwise crash every worker that meets one record of his: a schema that contains
itself nests until the process ends, one whose parts take no bytes makes millions of values of five bytes, one of a
hundred thousand parts compiles for minutes. Each such schema is refused, with the reason, and its records become dead
letters; what is merely unusual is read.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from farandole.avro_reader import compile_reader
from farandole.codec import Codec
from farandole.errors import UnknownSchemaError
from farandole.registry import read_foreign
from farandole.schema import Catalogue
from farandole_events import CATALOGUE


def record(*fields: Any, name: str = "Moved", **more: Any) -> dict[str, Any]:
    listed = [{"name": f"f{number}", "type": field} for number, field in enumerate(fields)]
    return {"type": "record", "name": name, "namespace": "demo.moves", "fields": listed, **more}


def tower(levels: int) -> Any:
    """Return records in one another, each a field of the next."""
    node: Any = "long"
    for level in range(levels):
        node = record(node, name=f"R{level}")
    return record(node)


def doubling(levels: int, leaf: Any) -> dict[str, Any]:
    """Return a few records, each of which holds the one before twice: 2 to the power of ``levels`` leaves."""
    fields: list[Any] = [record(leaf, leaf, name="R0")]
    fields += [record(f"demo.moves.R{n}", f"demo.moves.R{n}", name=f"R{n + 1}") for n in range(levels)]
    return record(*fields)


HOSTILE = {
    "no JSON": "{",
    "JSON that nests without end": "[" * 100_000,
    "no object": "[]",
    "a bare type": '"long"',
    "an enum": json.dumps({"type": "enum", "name": "E", "symbols": ["A"]}),
    "a record that contains itself": record("demo.moves.Moved"),
    "one that contains itself by its short name": record("Moved"),
    "one that contains itself in an array": record({"type": "array", "items": "Moved"}),
    "one that contains itself in a union": record(["null", "Moved"]),
    "two that contain one another": record(record(["null", "demo.moves.Moved"], name="Inner")),
    "nulls": record("null"),
    "an array of nulls": record({"type": "array", "items": "null"}),
    "a map of nulls": record({"type": "map", "values": "null"}),
    "an array of empty records": record({"type": "array", "items": record(name="Empty")}),
    "an array of records of nulls": record({"type": "array", "items": record("null", name="Nulls")}),
    "a fixed of nothing": record({"type": "fixed", "name": "F", "size": 0}),
    "a fixed of a negative size": record({"type": "fixed", "name": "F", "size": -5}),
    "a fixed of a terabyte": record({"type": "fixed", "name": "F", "size": 2**40}),
    "a fixed whose size is true": record({"type": "fixed", "name": "F", "size": True}),
    "an unbounded decimal": record({"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**9}),
    "microseconds": record({"type": "long", "logicalType": "timestamp-micros"}),
    "two thousand fields": record(*["long"] * 2_000),
    "forty levels": tower(40),
    "forty levels by reference": doubling(40, "long"),
    "twenty doublings of nothing": doubling(20, "null"),
    "a union of unions": record([["null", "long"], "string"]),
    "an empty union": record([]),
    "a type that is a number": record(7),
    "a type that nobody knows": record("quaternion"),
    "a field without a name": {**record(), "fields": [{"type": "long"}]},
    "a field that is no object": {**record(), "fields": ["long"]},
    "fields that are no list": {**record(), "fields": {"a": "long"}},
    "a field twice": {**record(), "fields": [{"name": "a", "type": "long"}] * 2},
    "code for a field's name": {**record(), "fields": [{"name": "a'); import os; ('", "type": "long"}]},
    "code for its name": record(name="M'): import os"),
    "a name that is a list": record(name=["Moved"]),
    "a name as long as a book": record(name="M" * 10_000),
    "a record twice": record(record("long", name="R"), record("long", name="R")),
    "an enum of no symbols": record({"type": "enum", "name": "E", "symbols": []}),
    "an enum of code": record({"type": "enum", "name": "E", "symbols": ["A", "'+x+'"]}),
    "more than a page of doc": json.dumps(record("long", doc="d" * 300_000)),
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_quickly_and_with_a_reason(schema) -> None:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    before = time.process_time()
    with pytest.raises(UnknownSchemaError) as refused:
        read_foreign(text, 77)
    assert time.process_time() - before < 1
    assert "77" in refused.value.what
    assert 10 < len(refused.value.why) < 1_000


@pytest.mark.parametrize("of", ["nulls", "an array of nulls", "a map of nulls"])
def test_what_takes_no_bytes_is_said_to(of: str) -> None:
    with pytest.raises(UnknownSchemaError) as refused:
        read_foreign(json.dumps(HOSTILE[of]), 77)
    assert "takes no bytes" in refused.value.why


USUAL = {
    "no field at all": record(),
    "every primitive": record("boolean", "int", "long", "float", "double", "bytes", "string"),
    "optional fields": record(["null", "long"], ["string", "null"]),
    "a timestamp": record({"type": "long", "logicalType": "timestamp-millis"}),
    "a uuid": record({"type": "string", "logicalType": "uuid"}),
    "an enum, a fixed, a map and an array": record(
        {"type": "enum", "name": "E", "symbols": ["A", "B"]},
        {"type": "fixed", "name": "F", "size": 16},
        {"type": "map", "values": "long"},
        {"type": "array", "items": record("string", name="Line")},
    ),
    "a record used twice": record(record("string", name="Line"), "demo.moves.Line", "Line"),
    "a word of Python for a field": {**record(), "fields": [{"name": "class", "type": "long"}]},
    "thirty levels": tower(30),
    "ten doublings of a byte": doubling(10, "boolean"),
}


@pytest.mark.parametrize("schema", USUAL.values(), ids=USUAL)
def test_what_is_within_the_limits_is_read(schema) -> None:
    read = read_foreign(json.dumps(schema), 77)
    assert (read.id, read.fullname, read.name, read.topic) == (77, "demo.moves.Moved", "Moved", "moves")


def test_every_schema_of_the_mesh_is_read_as_the_same_as_it_is_installed() -> None:
    for schema in CATALOGUE.versions:
        read = read_foreign(json.dumps(schema.avsc), schema.id)
        assert (read.fullname, read.topic, read.key) == (schema.fullname, schema.topic, schema.key)
        compile_reader(read.avsc, lambda _: dict)


def test_what_a_record_becomes_is_bounded_by_its_bytes() -> None:
    read = read_foreign(json.dumps(record({"type": "array", "items": record("boolean", name="Bit")})), 77)
    codec = Codec(Catalogue([read]))
    _, fields = codec.decode_any(b"\0\0\0\0\x4d" + bytes([2 * 50]) + b"\1" * 50 + b"\0")
    assert len(fields["f0"]) == 50
    with pytest.raises(Exception, match="block counts more items"):
        codec.decode_any(b"\0\0\0\0\x4d" + b"\x80\x80\x80\x08" + b"\1" * 50)

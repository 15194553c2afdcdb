"""The compiled reader reads whatever Avro can say, as fastavro writes it: generic readers meet schemas of others."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from farandole.avro_reader import MalformedError, compile_reader


def written(schema: dict[str, Any], value: dict[str, Any]) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), value)
    return out.getvalue()


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "namespace": "x", "fields": [{"name": n, "type": t} for n, t in fields]}


SUIT = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (record(("a", "double"), ("b", "float"), ("c", "bytes")), {"a": 1.25, "b": -0.5, "c": b"\x00\xff"}),
    (record(("a", {"type": "map", "values": "long"})), {"a": {"x": 1, "y": -(2**63)}}),
    (record(("a", SUIT), ("b", ["null", "Suit"])), {"a": "HEARTS", "b": "SPADES"}),
    (record(("a", {"type": "fixed", "name": "Four", "size": 4})), {"a": b"abcd"}),
    (record(("class", "string"), ("a", ["null", "string", "long"])), {"class": "x", "a": 5}),
    (record(("a", {"type": "array", "items": {"type": "array", "items": "int"}})), {"a": ((1, 2), (), (3,))}),
    (
        record(("a", {"type": "record", "name": "S", "fields": [{"name": "n", "type": "string"}]}), ("b", "x.S")),
        {"a": {"n": "1"}, "b": {"n": "2"}},
    ),
]


@pytest.mark.parametrize(("schema", "value"), CASES)
def test_a_value_is_read_whole(schema: dict[str, Any], value: dict[str, Any]) -> None:
    buf = written(schema, value)
    assert compile_reader(schema, lambda _: dict)(buf, 0, len(buf)) == (value, len(buf))


@pytest.mark.parametrize("index", [b"\x01", b"\x04", b"\xff\xff\xff\xff\x0f"])
def test_an_enum_has_no_symbol_below_zero_or_after_its_last(index: bytes) -> None:
    read = compile_reader(record(("a", SUIT)), lambda _: dict)
    with pytest.raises(MalformedError):
        read(index, 0, len(index))


@pytest.mark.parametrize("kind", ["string", "bytes", "double", {"type": "fixed", "name": "Four", "size": 4}])
def test_a_reader_never_looks_beyond_the_size_that_it_is_given(kind: Any) -> None:
    read = compile_reader(record(("a", kind)), lambda _: dict)
    with pytest.raises(MalformedError):
        read(b"\x06abcdefgh", 0, 3)


def test_a_count_of_items_that_take_no_bytes_is_held_against_the_bytes_that_are_left() -> None:
    read = compile_reader(record(("a", {"type": "array", "items": "null"})), lambda _: dict)
    bomb = b"\x80\xda\xc4\x09\x00"
    with pytest.raises(MalformedError):
        read(bomb, 0, len(bomb))


def test_names_of_a_schema_never_become_code() -> None:
    schema = record(("a') or exit('", "string"))
    read = compile_reader(schema, lambda _: dict)
    assert read(b"\x02x", 0, 2) == ({"a') or exit('": "x"}, 2)

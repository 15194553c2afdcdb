"""What an operator makes of an event is held against the schema that wrote it, field by field, before it is bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from farandole.codec import Codec
from farandole.desk.payload import as_json, changed, encoded
from farandole.errors import UsageError
from farandole.schema import Catalogue, EventSchema

LINE = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "cents", "type": "int"}],
}
FIELDS: list[dict[str, Any]] = [
    {"name": "order_id", "type": "string"},
    {"name": "total", "type": "long"},
    {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "note", "type": ["null", "string"], "default": None},
    {"name": "lines", "type": {"type": "array", "items": LINE}},
    {"name": "gift", "type": ["null", "Line"], "default": None},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
    {"name": "tags", "type": {"type": "map", "values": "boolean"}},
    {"name": "weight", "type": "double"},
    {"name": "raw", "type": "bytes"},
]
AVSC = {"type": "record", "name": "Placed", "namespace": "made.up", "key": "order_id", "fields": FIELDS}
SCHEMA = EventSchema(id=7, name="Placed", fullname="made.up.Placed", topic="made", key="order_id", version=3, avsc=AVSC)
CODEC = Codec(Catalogue([SCHEMA]))
GOOD: dict[str, Any] = {
    "order_id": "10248",
    "total": 44000,
    "placed_at": "2026-01-05T12:00:00.250+01:00",
    "note": None,
    "lines": [{"sku": "a", "cents": 12}],
    "gift": {"sku": "b", "cents": 0},
    "kind": "NEW",
    "tags": {"fragile": True},
    "weight": 2,
    "raw": "AP8=",
}


def bytes_of(fields: Any) -> bytes:
    return encoded(fields, SCHEMA, wire_id=7, codec=CODEC)


def test_what_is_written_is_read_as_the_same_event():
    schema, fields = CODEC.decode_any(bytes_of(GOOD))
    assert schema is SCHEMA
    assert fields["placed_at"] == datetime(2026, 1, 5, 11, 0, 0, 250_000, tzinfo=UTC)
    assert fields["lines"] == ({"sku": "a", "cents": 12},)
    assert (fields["gift"], fields["weight"], fields["raw"]) == ({"sku": "b", "cents": 0}, 2.0, b"\x00\xff")


def test_what_is_shown_can_be_written_back_unchanged():
    value = bytes_of(GOOD)
    assert bytes_of(json.loads(as_json(CODEC.decode_any(value)[1]))) == value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"total": "44000"}, "total has to be a whole number of 64 bits"),
        ({"total": True}, "total has to be a whole number"),
        ({"total": 1 << 63}, "total has to be a whole number"),
        ({"lines": [{"sku": "a", "cents": 1 << 31}]}, "lines[0].cents has to be a whole number of 32 bits"),
        ({"lines": [{"sku": "a"}]}, "the field lines[0].cents is missing"),
        ({"colour": "red"}, "there is no field colour"),
        ({"kind": "ODD"}, "kind has to be one of NEW, OLD"),
        ({"placed_at": "2026-01-05T12:00:00"}, "placed_at is a moment without its zone"),
        ({"placed_at": 5}, "placed_at has to be a moment"),
        ({"note": 5}, "note has to be text"),
        ({"raw": "#"}, "raw has to be bytes in base64"),
        ({"tags": {"fragile": 1}}, "tags.fragile has to be true or false"),
        ({"weight": "much"}, "weight has to be a number"),
        ({"note": "x" * 1_000_001}, "at most 1000000 bytes"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_name_of_the_field(change: dict[str, Any], sentence: str):
    with pytest.raises(UsageError) as refused:
        bytes_of({**GOOD, **change})
    assert sentence in refused.value.why
    assert refused.value.code == "E554"


@pytest.mark.parametrize("fields", [None, [], "text", 7])
def test_what_is_no_object_is_refused(fields: Any):
    with pytest.raises(UsageError):
        bytes_of(fields)


def test_a_missing_field_takes_the_default_of_the_schema():
    assert CODEC.decode_any(bytes_of({k: v for k, v in GOOD.items() if k != "note"}))[1]["note"] is None


def test_assignments_change_the_fields_that_they_name():
    found = changed(GOOD, ("total=12", "order_id=10249", "gift.sku=c", "note=is = fine"))
    assert (found["total"], found["order_id"], found["gift"]["sku"]) == (12, "10249", "c")
    assert found["note"] == "is = fine"
    assert GOOD["gift"]["sku"] == "b"


@pytest.mark.parametrize("assignment", ["total", "colour=red", "gift.colour=red", "lines.0.sku=x", "=1"])
def test_an_assignment_to_nothing_is_refused(assignment: str):
    with pytest.raises(UsageError) as refused:
        changed(GOOD, (assignment,))
    assert refused.value.code == "E553"

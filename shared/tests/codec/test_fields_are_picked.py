"""Picking some fields of a value gives just what reading it whole gives of them, and refuses the very same bytes.

A selection decodes only the fields that its expression names. Were that less strict, it would select events that no
service can read; were it stricter, it would miss some.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

from farandole.avro_picker import compile_picker
from farandole.avro_reader import ReadRecord, compile_reader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from fuzzed_avro import NAMES, schemas, spoilt, values
from test_generic_avro import record, written

REFUSED = "refused"
TIME = {"type": "long", "logicalType": "timestamp-millis"}


def outcome(read: ReadRecord, value: bytes) -> Any:
    try:
        return read(value, 0, len(value))
    except Exception:
        return REFUSED


def agree(schema: Any, fields: tuple[str, ...], value: bytes) -> None:
    whole = outcome(compile_reader(schema, lambda _: dict), value)
    wanted = whole if whole == REFUSED else ({name: whole[0].get(name) for name in fields}, whole[1])
    assert repr(outcome(compile_picker(schema, fields), value)) == repr(wanted)


@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_of_any_bytes_under_any_schema(data: st.DataObject, seed: int) -> None:
    schema = data.draw(schemas())
    good = written(schema, data.draw(values(schema)))
    fields = tuple(sorted(data.draw(st.sets(st.sampled_from((*NAMES, "none"))))))
    agree(schema, fields, good)
    dice = Random(seed)
    for _ in range(10):
        agree(schema, fields, spoilt(good, dice))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", b"\x04\xed\xa0"),
        ("string", b"\x05ab"),
        ("string", b"\x08ab"),
        ("boolean", b"\x02"),
        ("int", b"\xff\xff\xff\xff\x7f"),
        ("double", b"\x00"),
        (["null", "string"], b"\x04"),
        ({"type": "array", "items": "null"}, b"\x80\xda\xc4\x09\x00"),
        ({"type": "map", "values": "string"}, b"\x02\x02\xff\x02a\x00"),
    ],
)
def test_what_is_passed_over_is_checked_all_the_same(kind: Any, value: bytes) -> None:
    schema = record(("passed", kind), ("asked", "long"))
    assert outcome(compile_picker(schema, ("asked",)), value + b"\x02") == REFUSED
    agree(schema, ("asked",), value + b"\x02")


@pytest.mark.parametrize("millis", [253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_000, -62_135_596_800_001])
def test_a_time_that_nobody_can_have_is_refused_whether_it_is_asked_for_or_not(millis: int) -> None:
    schema = record(("passed", TIME), ("asked", "long"))
    value = written(record(("passed", "long"), ("asked", "long")), {"passed": millis, "asked": 1})
    agree(schema, ("asked",), value)
    is_time = -62_135_596_800_000 <= millis <= 253_402_300_799_999
    assert (outcome(compile_picker(schema, ("asked",)), value) != REFUSED) == is_time

"""Every version of an event type reads every other; what Avro overlooks is found as well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from farandole.avro_schema import digest
from farandole.contracts import LockLine, Problem, SchemaFile, compatible

ID = {"name": "move_id", "type": "string"}
WEIGHT = {"name": "weight", "type": "int"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
MILLIS = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}


def moved(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"type": "record", "name": "Moved", "namespace": "demo.moves", "doc": "It moved.", "key": "move_id"}
    return {**head, "fields": [ID, *fields], **more}


def problems(*versions: dict[str, Any], consumers: dict[str, list[str]] | None = None) -> list[Problem]:
    """What the last version, not locked yet, breaks; those before it are locked."""
    lock = [
        LockLine(id=number, topic="moves", version=number, sha256=digest(schema), schema=schema)
        for number, schema in enumerate(versions[:-1], start=1)
    ]
    return compatible([written(versions[-1])], lock, consumers=consumers or {})


def written(schema: dict[str, Any]) -> SchemaFile:
    return SchemaFile(path="moves/Moved.avsc", topic="moves", text=json.dumps(schema, indent=1), avsc=schema)


def nested(namespace: str, **field: Any) -> dict[str, Any]:
    record = {"type": "record", "name": "Place", "namespace": namespace, "fields": [{"name": "town", "type": "string"}]}
    return {"name": "place", "type": record, **field}


def test_fields_with_a_default_come_and_go() -> None:
    assert problems(moved(WEIGHT), moved(WEIGHT, NOTE), moved(WEIGHT), moved(NOTE, WEIGHT)) == []


def test_a_new_field_without_a_default_cannot_be_read_from_old_records() -> None:
    (problem,) = problems(moved(), moved(WEIGHT))
    assert problem.code == "E240"
    assert problem.what == "version 2 of Moved cannot read version 1"
    assert "weight" in problem.why


def test_a_removed_field_without_a_default_breaks_old_readers() -> None:
    (problem,) = problems(moved(WEIGHT), moved())
    assert problem.what == "version 1 of Moved cannot read version 2"


def test_a_change_is_held_against_all_versions_not_the_last_alone() -> None:
    text = {"name": "note", "type": "string", "default": ""}
    number = {"name": "note", "type": "long", "default": 0}
    found = problems(moved(text), moved(), moved(number))
    assert {problem.what for problem in found} == {
        "version 1 of Moved cannot read version 3",
        "version 3 of Moved cannot read version 1",
    }


def test_a_promotion_is_one_way_and_so_refused() -> None:
    (problem,) = problems(moved(WEIGHT), moved({**WEIGHT, "type": "long"}))
    assert problem.what == "version 1 of Moved cannot read version 2"
    assert "weight" in problem.why


def test_a_problem_names_the_services_that_it_would_break() -> None:
    (problem,) = problems(moved(), moved(WEIGHT), consumers={"demo.moves.Moved": ["shipping", "crm"]})
    assert problem.what == "version 2 of Moved cannot read version 1: this breaks crm, shipping"


def test_a_problem_points_at_the_line_of_the_field() -> None:
    newest = moved(NOTE, WEIGHT)
    (problem,) = problems(moved(NOTE), newest)
    assert '"weight"' in json.dumps(newest, indent=1).splitlines()[problem.line - 1]


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
HIDDEN = {
    "milliseconds become microseconds": (
        moved(MILLIS),
        moved({"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}),
        "at",
    ),
    "a moment becomes a number": (moved(MILLIS), moved({"name": "at", "type": "long"}), "at"),
    "an optional moment becomes an optional number": (
        moved({"name": "at", "type": ["null", MILLIS["type"]], "default": None}),
        moved({"name": "at", "type": ["null", "long"], "default": None}),
        "at",
    ),
    "a decimal's scale": (
        moved({"name": "fee", "type": DECIMAL}),
        moved({"name": "fee", "type": {**DECIMAL, "scale": 3}}),
        "fee",
    ),
    "a decimal's precision": (
        moved({"name": "fee", "type": DECIMAL}),
        moved({"name": "fee", "type": {**DECIMAL, "precision": 12}}),
        "fee",
    ),
    "a nested record's namespace": (moved(nested("demo.types")), moved(nested("demo.other")), "place"),
    "the key": (moved(NOTE), moved(NOTE, key="note"), "key"),
}


@pytest.mark.parametrize(("before", "after", "where"), HIDDEN.values(), ids=HIDDEN.keys())
def test_what_changes_its_meaning_is_refused_though_avro_allows_it(
    before: dict[str, Any], after: dict[str, Any], where: str
) -> None:
    found = [problem for problem in problems(before, after) if problem.code == "E241"]
    assert [problem.what for problem in found] == [f"{where} of Moved means something else in version 2"]


def test_an_event_type_does_not_move_to_another_namespace() -> None:
    before = moved(namespace="demo.walks")
    lock = [LockLine(id=1, topic="walks", version=1, sha256=digest(before), schema=before)]
    (problem,) = compatible([written(moved())], lock)
    assert (problem.code, problem.what) == ("E243", "demo.walks.Moved became demo.moves.Moved")


def test_versions_of_other_types_are_no_concern() -> None:
    other = moved(WEIGHT, name="Stayed")
    lock = [LockLine(id=1, topic="moves", version=1, sha256=digest(other), schema=other)]
    assert compatible([written(moved(NOTE))], lock) == []

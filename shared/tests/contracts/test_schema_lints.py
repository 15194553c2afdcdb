"""Each lint finds its own fault in a schema that is right but for it, and names the file and the line."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from farandole.contracts import Problem, SchemaFile, lint, read_folder

Avsc = dict[str, Any]
ADDRESS: Avsc = {
    "type": "record",
    "name": "Address",
    "namespace": "demo.types",
    "doc": "A place.",
    "fields": [{"name": "town", "doc": "The town.", "type": "string"}],
}
MOVED: Avsc = {
    "type": "record",
    "name": "Moved",
    "namespace": "demo.moves",
    "doc": "Something moved.",
    "key": "move_id",
    "fields": [
        {"name": "move_id", "doc": "The move.", "type": "string"},
        {"name": "fee_cents", "doc": "The fee.", "type": "long"},
        {"name": "currency", "doc": "Its currency.", "type": "string"},
        {"name": "at", "doc": "When.", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "stops", "doc": "Where it stopped.", "type": {"type": "array", "items": ADDRESS}},
        {"name": "home", "doc": "Where it ended.", "type": ["null", "demo.types.Address"], "default": None},
    ],
}


def file(avsc: Avsc, path: str = "moves/Moved.avsc") -> SchemaFile:
    return SchemaFile(path=path, topic=path.partition("/")[0], text=json.dumps(avsc, indent=1), avsc=avsc)


def changed(change: Callable[[Avsc], object]) -> SchemaFile:
    avsc = copy.deepcopy(MOVED)
    change(avsc)
    return file(avsc)


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def field(avsc: Avsc, name: str) -> Avsc:
    found: Avsc = next(field for field in avsc["fields"] if field["name"] == name)
    return found


def add(avsc: Avsc, node: Any, **more: Any) -> None:
    avsc["fields"].append({"name": "extra", "doc": "More.", "type": node, **more})


def test_a_schema_that_is_right_has_no_problem() -> None:
    assert lint([file(MOVED)]) == []


FAULTS: dict[str, tuple[str, Callable[[Avsc], object]]] = {
    "a tag of what is personal that is no tag": ("E238", lambda s: field(s, "at").update(pii="yes")),
    "a tag that says no": ("E238", lambda s: field(s, "at").update(pii=False)),
    "a personal key": ("E238", lambda s: field(s, "move_id").update(pii=True)),
    "no doc on the event": ("E236", lambda s: s.pop("doc")),
    "a blank doc on a field": ("E236", lambda s: field(s, "at").update(doc=" ")),
    "no doc on a field of a nested record": (
        "E236",
        lambda s: field(s, "stops")["type"]["items"]["fields"][0].pop("doc"),
    ),
    "a namespace that is not the folder": ("E227", lambda s: s.update(namespace="demo.other")),
    "a name that is not the file": ("E227", lambda s: s.update(name="Travelled")),
    "no key": ("E228", lambda s: s.pop("key")),
    "a key that is no field": ("E228", lambda s: s.update(key="nothing")),
    "a key that is no string": ("E228", lambda s: s.update(key="fee_cents")),
    "a key that may be absent": ("E228", lambda s: field(s, "move_id").update(type=["null", "string"], default=None)),
    "a key with a default": ("E228", lambda s: field(s, "move_id").update(default="")),
    "money without a currency": ("E229", lambda s: s["fields"].remove(field(s, "currency"))),
    "money that is no long": ("E229", lambda s: field(s, "fee_cents").update(type="double")),
    "a record that contains itself": (
        "E226",
        lambda s: add(s, ["null", "demo.moves.Moved"], default=None),
    ),
    "a record that contains itself through another": (
        "E226",
        lambda s: field(s, "stops")["type"]["items"]["fields"].append(
            {"name": "moves", "doc": "Moves.", "type": {"type": "array", "items": "demo.moves.Moved"}}
        ),
    ),
    "an array of nothing": ("E232", lambda s: add(s, {"type": "array", "items": "null"})),
    "an array of empty records": (
        "E232",
        lambda s: add(
            s,
            {
                "type": "array",
                "items": {"type": "record", "name": "Empty", "namespace": "demo.types", "doc": "None.", "fields": []},
            },
        ),
    ),
    "an unbounded decimal": ("E237", lambda s: add(s, {"type": "bytes", "logicalType": "decimal", "precision": 9})),
    "a map": ("E237", lambda s: add(s, {"type": "map", "values": "string"})),
    "microseconds": ("E237", lambda s: add(s, {"type": "long", "logicalType": "timestamp-micros"})),
    "a union of two types": ("E237", lambda s: add(s, ["null", "string", "long"], default=None)),
    "an optional field with null last": ("E237", lambda s: add(s, ["string", "null"], default="")),
    "an optional field without a default": ("E233", lambda s: add(s, ["null", "string"])),
    "a default of another type": ("E233", lambda s: add(s, "string", default=5)),
    "a default of a later branch": ("E233", lambda s: add(s, ["null", "string"], default="x")),
    "a default too wide for its int": ("E233", lambda s: add(s, "int", default=2**31)),
    "a default of an array that does not fit its items": (
        "E233",
        lambda s: add(s, {"type": "array", "items": "string"}, default=[1]),
    ),
    "a field that Python keeps for itself": ("E231", lambda s: field(s, "at").update(name="from")),
    "a field that events keep for themselves": ("E231", lambda s: field(s, "at").update(name="avro")),
    "a nested record outside the shared types": (
        "E230",
        lambda s: (
            field(s, "stops")["type"]["items"].update(namespace="demo.moves"),
            field(s, "home").update(type=["null", "demo.moves.Address"]),
        ),
    ),
    "a type that nobody defines": ("E220", lambda s: add(s, "demo.types.Nowhere")),
    "a field without a type": ("E220", lambda s: field(s, "at").pop("type")),
    "no record": (
        "E220",
        lambda s: [s.pop(name) for name in ("name", "fields", "namespace")] + [s.update(type="string")],
    ),
}


@pytest.mark.parametrize(("code", "change"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found_once_and_explained(code: str, change: Callable[[Avsc], object]) -> None:
    problems = lint([changed(change)])
    assert codes(problems) == [code]
    assert problems[0].file == "moves/Moved.avsc"
    assert problems[0].what
    assert problems[0].why
    assert problems[0].do


def test_a_problem_names_the_line_of_its_field() -> None:
    broken = changed(lambda s: field(s, "currency").pop("doc"))
    (problem,) = lint([broken])
    assert '"currency"' in broken.text.splitlines()[problem.line - 1]
    assert str(problem).startswith(f"moves/Moved.avsc:{problem.line}: E236 the field currency of Moved has no doc")


def test_a_field_may_be_personal() -> None:
    assert lint([changed(lambda s: field(s, "home").update(pii=True))]) == []


def test_a_shared_record_is_the_same_wherever_it_is_defined() -> None:
    other = copy.deepcopy(MOVED) | {"name": "Stayed"}
    stayed = file(other, "moves/Stayed.avsc")
    assert lint([file(MOVED), stayed]) == []
    field(other, "stops")["type"]["items"]["fields"][0]["doc"] = "The city."
    (problem,) = lint([file(MOVED), file(other, "moves/Stayed.avsc")])
    assert (problem.code, problem.file) == ("E234", "moves/Stayed.avsc")
    assert "moves/Moved.avsc" in problem.what


def test_a_shared_record_may_be_defined_at_another_place_of_the_event() -> None:
    other = copy.deepcopy(MOVED) | {"name": "Stayed"}
    field(other, "home")["type"] = ["null", "string"]
    stops = other["fields"].pop(4)
    first = {"name": "base", "doc": "Where it belongs.", "type": stops["type"]["items"]}
    other["fields"] += [first, {**stops, "type": {"type": "array", "items": "demo.types.Address"}}]
    assert lint([file(MOVED), file(other, "moves/Stayed.avsc")]) == []


def test_two_topics_cannot_have_an_event_of_one_name() -> None:
    twin = copy.deepcopy(MOVED) | {"namespace": "demo.visits"}
    assert codes(lint([file(MOVED), file(twin, "visits/Moved.avsc")])) == ["E235"]


def test_a_file_that_is_no_json_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "moves").mkdir()
    (tmp_path / "moves" / "Moved.avsc").write_text('{\n  "type": "record",\n  oops\n}')
    files, problems = read_folder(tmp_path)
    assert files == ()
    assert [(problem.file, problem.line, problem.code) for problem in problems] == [("moves/Moved.avsc", 3, "E220")]

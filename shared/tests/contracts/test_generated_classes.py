"""Classes follow the schemas: neither the lock nor a class changes behind their back."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from farandole.codec import Codec
from farandole.contracts import check, generate, read_folder, read_lock
from farandole.contracts.render import render
from farandole.errors import ContractError

MESH = Path(__file__).parents[3] / "schemas"
PACKAGE = "demo_events"
MOVED: dict[str, Any] = {
    "type": "record",
    "name": "Moved",
    "namespace": "demo.moves",
    "doc": 'Something moved; a """quote""" and a \\new line are only text.',
    "key": "move_id",
    "fields": [
        {"name": "move_id", "doc": "The move.", "type": "string"},
        {"name": "weight", "doc": "Grams.", "type": "int", "default": 7},
        {"name": "at", "doc": "When.", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "doc": "A note.", "type": ["null", "string"], "default": None},
        {
            "name": "stops",
            "doc": "Where it stopped.",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Place",
                    "namespace": "demo.types",
                    "doc": "A place.",
                    "fields": [{"name": "town", "doc": "The town.", "type": "string"}],
                },
            },
            "default": [],
        },
    ],
}


def write(root: Path, avsc: dict[str, Any]) -> None:
    path = root / "moves" / f"{avsc['name']}.avsc"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(avsc, indent=2))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, MOVED)
    generate(tmp_path, package=PACKAGE)
    return tmp_path


@pytest.fixture
def demo(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(root / "src")
    yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def found(root: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.file) for problem in check(root, package=PACKAGE)]


def test_the_schemas_of_the_mesh_have_no_problem() -> None:
    assert check(MESH) == []


def test_every_event_of_the_design_has_a_schema() -> None:
    files, _ = read_folder(MESH)
    assert len(files) == 28
    assert {file.topic for file in files} == {
        "orders",
        "reservations",
        "stock",
        "payments",
        "fulfilment",
        "shipments",
        "invoices",
        "supplies",
        "bookings",
        "customers",
        "sales",
    }


def test_the_order_of_the_files_does_not_change_the_classes() -> None:
    files, _ = read_folder(MESH)
    assert render(files, package=PACKAGE) == render(files[::-1], package=PACKAGE)


def test_a_new_schema_gets_an_id_and_a_class_that_travels(root: Path, demo: Any) -> None:
    assert found(root) == []
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    event = demo.Moved(move_id="m", at=moment, stops=(demo.Place(town="Arles"),))
    assert (event.weight, event.note, event.key) == (7, None, "m")
    assert demo.Moved(move_id="m", at=moment).stops == ()
    codec = Codec(demo.CATALOGUE)
    assert codec.decode(codec.encode(event), demo.Moved) == event
    assert demo.Moved.__doc__.startswith(MOVED["doc"])
    assert "weight: Grams." in demo.Moved.__doc__


def test_generating_again_changes_nothing(root: Path) -> None:
    again = generate(root, package=PACKAGE)
    assert (again.written, again.locked) == ((), ())


def test_a_changed_schema_gets_the_next_id_and_version_and_the_old_one_stays(root: Path) -> None:
    before = (root / "ids.lock").read_text()
    write(root, {**MOVED, "doc": "It moved."})
    assert ("E250", "ids.lock") in found(root)
    done = generate(root, package=PACKAGE)
    assert [(line.id, line.version) for line in done.locked] == [(2, 2)]
    assert (root / "ids.lock").read_text().startswith(before)
    assert found(root) == []


def test_a_schema_that_only_reorders_its_keys_is_the_same_version(root: Path) -> None:
    write(root, dict(reversed(MOVED.items())))
    assert generate(root, package=PACKAGE).locked == ()
    assert found(root) == []


def test_an_incompatible_change_is_found_even_when_it_was_generated(root: Path) -> None:
    fields = [*MOVED["fields"], {"name": "size", "doc": "Litres.", "type": "int"}]
    write(root, {**MOVED, "fields": fields})
    generate(root, package=PACKAGE)
    assert found(root) == [("E240", "moves/Moved.avsc")]


def test_a_class_changed_by_hand_is_drift(root: Path) -> None:
    path = root / "src" / PACKAGE / "moves.py"
    path.write_text(path.read_text().replace("weight: Int32 = 7", "weight: Int32 = 8"))
    assert found(root) == [("E253", f"src/{PACKAGE}/moves.py")]


def test_a_class_that_is_missing_or_left_over_is_drift(root: Path) -> None:
    (root / "src" / PACKAGE / "moves.py").rename(root / "src" / PACKAGE / "left.py")
    assert found(root) == [("E253", f"src/{PACKAGE}/moves.py"), ("E253", f"src/{PACKAGE}/left.py")]


def test_a_lock_whose_copy_in_the_package_differs_is_drift(root: Path) -> None:
    (root / "src" / PACKAGE / "ids.lock").write_text("")
    assert found(root) == [("E253", f"src/{PACKAGE}/ids.lock")]


def tampered(root: Path, old: str, new: str) -> list[str]:
    for lock in (root / "ids.lock", root / "src" / PACKAGE / "ids.lock"):
        text = lock.read_text()
        assert old in text
        lock.write_text(text.replace(old, new, 1))
    return [code for code, _ in found(root)]


def test_a_locked_schema_changed_by_hand_does_not_match_its_hash(root: Path) -> None:
    assert "E251" in tampered(root, '"default": 7', '"default": 9')


def test_an_id_is_given_once(root: Path) -> None:
    write(root, {**MOVED, "doc": "It moved."})
    generate(root, package=PACKAGE)
    assert tampered(root, '"id": 2', '"id": 1') == ["E251"]


def test_a_version_is_not_skipped(root: Path) -> None:
    assert tampered(root, '"version": 1', '"version": 2') == ["E251"]


def test_a_broken_lock_names_its_line(root: Path) -> None:
    (root / "ids.lock").write_text((root / "ids.lock").read_text() + "{oops\n")
    (problem,) = check(root, package=PACKAGE)
    assert (problem.code, problem.what) == ("E221", "line 2 of ids.lock is broken")
    with pytest.raises(ContractError):
        read_lock("{}")


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def test_a_committed_line_of_the_lock_is_never_changed_or_removed(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    write(root, {**MOVED, "doc": "It moved."})
    generate(root, package=PACKAGE)
    assert found(root) == []
    (root / "ids.lock").write_text("")
    generate(root, package=PACKAGE)
    assert found(root) == [("E252", "ids.lock")]


def test_a_schema_that_no_class_can_carry_leaves_everything_as_it_was(root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".avsc"}
    fields = [*MOVED["fields"], {"name": "more", "doc": "More.", "type": {"type": "map", "values": "string"}}]
    write(root, {**MOVED, "fields": fields})
    with pytest.raises(ContractError):
        generate(root, package=PACKAGE)
    assert {path: path.read_bytes() for path in before} == before


def test_a_file_that_is_no_schema_stops_the_generator_and_is_named(root: Path) -> None:
    (root / "moves" / "Broken.avsc").write_text("{")
    with pytest.raises(ContractError, match=r"moves/Broken\.avsc"):
        generate(root, package=PACKAGE)
    assert found(root) == [("E220", "moves/Broken.avsc")]

"""Each rule of the choreography finds its planted violation, with the file, the line and the services concerned.

The planted mesh is a shop that takes orders over HTTP, and a stock that reserves goods for each and releases them when
the order is cancelled. It has no problem, and neither has the mesh of this workspace. Then one thing is planted at a
time: a handler too many or too few, a mark that is missing, wrong or no longer true.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from farandole import Service
from farandole.choreography import lint
from farandole.cli.contracts import check as checked
from farandole.contracts import Problem, SchemaFile, read_folder
from farandole.contracts.folder import schema_file
from farandole.delivery import Delivery
from farandole.event import Event
from farandole.topology import topology_of
from farandole_events import OrderCancelled, OrderPlaced, StockLow, StockRejected, StockReleased, StockReserved

ROOT = Path(__file__).parents[3]
MESH = (OrderPlaced, OrderCancelled, StockReserved, StockReleased)
UNDONE = {"undone_by": {"OrderCancelled": "StockReleased"}}
MARKS: Mapping[str, Any] = {"StockReserved": UNDONE, "StockReleased": {"unheard": "the end of the chain"}}


async def reserve(order: OrderPlaced) -> StockReserved: ...
async def release(order: OrderCancelled) -> StockReleased: ...
async def note(stock: StockReserved) -> None: ...
async def place_again(stock: StockReserved) -> OrderPlaced: ...
async def look(stock: StockReleased) -> None: ...
async def hear_low(stock: StockLow) -> None: ...
async def reject(order: OrderPlaced) -> StockRejected: ...
async def everything(deliveries: Sequence[Delivery]) -> None: ...


class Mesh:
    """The planted services, and the marks of their schemas."""

    def __init__(self) -> None:
        self.shop = Service("shop")
        self.shop.emits(OrderPlaced, OrderCancelled)
        self.shop.on(StockReserved)(note)
        self.stock = Service("stock")
        self.stock.on(OrderPlaced)(reserve)
        self.stock.on(OrderCancelled)(release)
        self.other = Service("other")
        self.marks = dict(MARKS)
        self.events: tuple[type[Event], ...] = MESH

    def files(self) -> list[SchemaFile]:
        return [self.file(event) for event in self.events]

    def file(self, event: type[Event]) -> SchemaFile:
        marks = {"choreography": self.marks[event.avro.name]} if event.avro.name in self.marks else {}
        text = json.dumps(marks | dict(event.avro.avsc), indent=1)
        return schema_file(f"{event.avro.topic}/{event.avro.name}.avsc", text)

    def problems(self, *services: Service) -> list[Problem]:
        services = services or (self.shop, self.stock, self.other)
        return lint(topology_of(services, (event.avro for event in self.events)), self.files())


def line_of(function: Callable[..., Any]) -> int:
    return inspect.unwrap(function).__code__.co_firstlineno


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)


def found_in_code(mesh: Mesh, code: str, function: Callable[..., Any], *services: str) -> Problem:
    (problem,) = mesh.problems()
    assert (problem.code, problem.file, problem.line) == (code, Path(__file__).name, line_of(function))
    assert problem.services == services
    return problem


def found_in_schema(mesh: Mesh, code: str, event: type[Event], word: str, *services: str) -> Problem:
    (problem,) = mesh.problems()
    file = mesh.file(event)
    assert (problem.code, problem.file) == (code, file.path)
    assert f'"{word}"' in file.text.splitlines()[problem.line - 1]
    assert problem.services == services
    return problem


def test_a_sound_mesh_has_no_problem(mesh: Mesh) -> None:
    assert mesh.problems() == []


def test_an_orphan_is_found_where_it_is_emitted(mesh: Mesh) -> None:
    del mesh.marks["StockReleased"]
    assert "StockReleased" in found_in_code(mesh, "orphan-event", release, "stock").what


def test_an_observer_does_not_hear_an_orphan(mesh: Mesh) -> None:
    del mesh.marks["StockReleased"]
    mesh.other.observe(everything)
    found_in_code(mesh, "orphan-event", release, "stock")


def test_a_handler_that_nobody_feeds_is_found(mesh: Mesh) -> None:
    mesh.events = (*MESH, StockLow)
    mesh.other.on(StockLow)(hear_low)
    found_in_code(mesh, "unfed-handler", hear_low, "other")
    mesh.marks["StockLow"] = {"unfed": "the old warehouse writes it"}
    assert mesh.problems() == []


def test_an_event_that_nobody_uses_is_found(mesh: Mesh) -> None:
    mesh.events = (*MESH, StockLow)
    found_in_schema(mesh, "unused-event", StockLow, "name")


def test_a_cycle_without_a_bound_is_found_once(mesh: Mesh) -> None:
    mesh.shop = Service("shop")
    mesh.shop.emits(OrderPlaced, OrderCancelled)
    mesh.shop.on(StockReserved)(place_again)
    problem = found_in_code(mesh, "unbounded-cycle", reserve, "shop", "stock")
    assert "OrderPlaced → stock → StockReserved → shop → OrderPlaced" in problem.what


def test_a_cycle_with_a_bound_is_none(mesh: Mesh) -> None:
    mesh.shop = Service("shop")
    mesh.shop.emits(OrderPlaced, OrderCancelled)
    mesh.shop.on(StockReserved)(place_again)
    mesh.marks["StockReserved"] = UNDONE | {"bounded": {"shop": "an order is placed again once"}}
    assert mesh.problems() == []


def test_a_compensation_that_is_missing_is_found_at_its_declaration(mesh: Mesh) -> None:
    mesh.stock = Service("stock")
    mesh.stock.on(OrderPlaced)(reserve)
    mesh.other.on(OrderCancelled)(release)
    problems = [one for one in mesh.problems() if one.code == "missing-compensation"]
    (problem,) = problems
    file = mesh.file(StockReserved)
    assert problem.file == file.path
    assert '"OrderCancelled": "StockReleased"' in file.text.splitlines()[problem.line - 1]
    assert problem.services == ("stock",)


def test_a_second_writer_of_a_topic_is_found(mesh: Mesh) -> None:
    mesh.events = (*MESH, StockRejected)
    mesh.marks["StockRejected"] = {"unheard": "planted"}
    mesh.other.on(OrderPlaced)(reject)
    found_in_code(mesh, "two-writers", reject, "other", "stock")


@pytest.mark.parametrize(
    ("event", "marks", "word"),
    [
        (StockReserved, UNDONE | {"unheard": "nobody"}, "unheard"),
        (StockReleased, MARKS["StockReleased"] | {"unfed": "somebody else"}, "unfed"),
        (StockReserved, UNDONE | {"bounded": {"shop": "it answers nothing"}}, "shop"),
    ],
)
def test_a_mark_that_is_true_no_more_is_found(mesh: Mesh, event: type[Event], marks: Any, word: str) -> None:
    mesh.marks[event.avro.name] = marks
    problem = mesh.problems()[0]
    assert problem.code == "stale-mark"
    assert f'"{word}"' in mesh.file(event).text.splitlines()[problem.line - 1]


@pytest.mark.parametrize(
    ("marks", "word"),
    [
        ({"unheared": "a slip"}, "unheared"),
        ({"unheard": " "}, "unheard"),
        ({"unheard": 7}, "unheard"),
        ({"bounded": "once"}, "bounded"),
        ({"bounded": {"stock": ""}}, "bounded"),
        ({"undone_by": {"OrderCanceled": "StockReleased"}}, "OrderCanceled"),
        ("nobody", "choreography"),
    ],
)
def test_a_mark_that_is_none_is_found(mesh: Mesh, marks: Any, word: str) -> None:
    mesh.marks["StockReserved"] = marks
    found_in_schema(mesh, "bad-mark", StockReserved, word)


def test_a_mark_is_no_part_of_the_schema(mesh: Mesh) -> None:
    marked = mesh.file(StockReserved)
    del mesh.marks["StockReserved"]
    assert marked.avsc == mesh.file(StockReserved).avsc
    assert "choreography" not in marked.avsc


def test_the_command_finds_in_the_mesh_of_this_workspace_what_was_planted_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = tmp_path / "schemas"
    for file in read_folder(ROOT / "schemas")[0]:
        (schemas / file.path).parent.mkdir(parents=True, exist_ok=True)
        (schemas / file.path).write_text(file.text)
    marked = schemas / "customers/CustomerNotified.avsc"
    marked.write_text("".join(line for line in marked.open() if "choreography" not in line))
    monkeypatch.chdir(ROOT)
    assert checked(schemas=schemas, json=True) == 4
    told = json.loads(capsys.readouterr().out)["problems"]
    (orphan,) = [one for one in told if not one["code"].startswith("E")]
    assert orphan["code"] == "orphan-event"
    assert orphan["file"] == "services/crm/src/farandole_crm/telling.py"
    assert orphan["line"] > 1
    assert orphan["services"] == ["crm"]

"""``farandole topology`` shows what is installed: the mesh as a table, one service with its functions, and drawings."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from farandole.cli.topology import topology
from farandole.errors import UsageError
from farandole.topology import installed_topology
from farandole.topology.drawing import dot, mermaid
from farandole.topology.svg import svg


def test_the_mesh_is_a_table_of_who_emits_and_who_hears(capsys):
    assert topology() == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if " OrderPlaced " in one)
    assert line.strip().split(maxsplit=3) == [
        "orders",
        "OrderPlaced",
        "orders",
        "analytics, crm, erp, inventory, payments",
    ]


def test_one_service_is_shown_with_its_functions_and_their_lines(capsys):
    assert topology(service="shipping") == 0
    shown = capsys.readouterr().out
    assert "Desk.take" in shown
    assert "farandole_shipping/desk.py:" in shown
    assert "outbox" in shown


def test_json_is_the_whole_topology_on_one_line(capsys):
    assert topology(service="crm", json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "crm" in {one["name"] for one in json.loads(line)["services"]}


def test_a_service_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UsageError) as caught:
        topology(service="nobody")
    assert "payments" in caught.value.why


def test_two_ways_to_show_it_at_once_are_refused():
    with pytest.raises(UsageError) as caught:
        topology(json=True, dot=True)
    assert caught.value.code == "E581"


def test_drawings_have_every_edge_once():
    found = installed_topology()
    edges = {(one.service, one.event) for one in found.emissions} | {(one.event, one.service) for one in found.hearings}
    assert mermaid(found).count(" --> ") == len(edges)
    assert dot(found).count(" -> ") == len(edges)
    assert '"orders" -> "farandole.orders.OrderPlaced";' in dot(found)


def test_the_picture_is_svg_with_every_edge_once_and_every_name(capsys):
    assert topology(svg=True) == 0
    found = installed_topology()
    root = ET.fromstring(capsys.readouterr().out)
    edges = {(one.service, one.event) for one in found.emissions} | {(one.event, one.service) for one in found.hearings}
    assert len(root.findall("{*}path")) == len(edges)
    names = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"OrderPlaced", "payments", "warehouse"} <= names
    boxes = [(one.get("x"), one.get("y")) for one in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(boxes) == len(set(boxes)), "no box lies upon another"


def test_names_that_somebody_announced_break_out_of_no_picture():
    found = installed_topology()
    hostile = "</text><script>\x00&\x1b"
    events = tuple(replace(one, name=hostile) for one in found.events)
    root = ET.fromstring(svg(replace(found, events=events)))
    assert root.find(".//{*}script") is None
    assert ET.fromstring(svg(replace(found, events=(), hearings=(), emissions=()))) is not None

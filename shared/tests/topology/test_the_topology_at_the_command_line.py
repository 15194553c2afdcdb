"""``farandole topology`` shows what is installed: the mesh as a table, one service with its functions, and drawings."""

from __future__ import annotations

import json

import pytest
from farandole.cli.topology import topology
from farandole.errors import UsageError
from farandole.topology import installed_topology
from farandole.topology.drawing import dot, mermaid


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

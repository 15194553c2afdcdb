"""A flow as it is read at three in the morning, and as others draw it. What anybody wrote into it breaks nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from farandole.expectation import Expectation
from farandole.flow.document import document
from farandole.flow.drawing import DEEPEST, lines, mermaid
from farandole.flow.happening import Happening, Kind
from farandole.flow.met import is_met
from farandole.flow.tree import FlowTree, flow_tree
from flow_happenings import happening

TOLD = (
    happening(Kind.EMITTED, "placed", service="orders"),
    happening(Kind.HANDLED, "placed", service="crm"),
    happening(Kind.EMITTED, "paid", service="payments", cause="placed", seconds=1, offset=1),
    happening(Kind.RETRY, "paid", service="warehouse", attempt=1, seconds=2, message="no shelf"),
    happening(Kind.EMITTED, "reserved", service="stock", cause="placed", causes=("paid",), seconds=3, offset=2),
)


def tree_of(*told: Happening) -> FlowTree:
    """Return a tree."""
    found = flow_tree("flow", told)
    assert found is not None
    return found


def test_a_tree_is_drawn_with_its_branches_and_what_went_well_in_one_line() -> None:
    told = [replace(one, error_class="Full") if one.kind is Kind.RETRY else one for one in TOLD]
    assert list(lines(tree_of(*told), ())) == [
        "flow flow  key key  3 events since 2026-11-23 12:00:00 UTC",
        "placed  hall  +0.000 s  placed",
        "   · done by crm, payments, stock",
        "├─ paid  hall  +1.000 s  paid",
        "│     · done by stock",
        "│     · warehouse retrying: no shelf",
        "└─ reserved  hall  +3.000 s  reserved  also caused by paid",
        "",
    ]


def test_a_chain_of_any_depth_keeps_to_the_screen() -> None:
    chain = [happening(Kind.EMITTED, f"e{n}", service="x", cause=f"e{n - 1}", offset=n) for n in range(300)]
    assert max(len(line) for line in lines(tree_of(*chain), ())) < DEEPEST + 120


def test_a_mermaid_chart_has_an_arrow_a_cause_and_a_dotted_one_for_the_other_cause_of_a_join() -> None:
    drawn = list(mermaid(tree_of(*TOLD)))
    assert "    n0 --> n1" in drawn
    assert "    n0 --> n2" in drawn
    assert "    n1 -.-> n2" in drawn


def test_what_somebody_calls_his_event_adds_no_node_and_no_script_to_a_chart() -> None:
    hostile = replace(TOLD[0], type='x"]; click n0 "javascript:alert(1)"\n    n9["<script>')
    drawn = list(mermaid(tree_of(hostile)))
    assert len(drawn) == 2
    assert not set("<>;()") & set(drawn[1].replace("<br/>", ""))


def test_a_document_names_events_in_the_order_of_causation() -> None:
    told = document(tree_of(*TOLD), ())
    assert [(one["id"], one["depth"], one["since_ms"]) for one in told["events"]] == [
        ("placed", 0, 0),
        ("paid", 1, 1000),
        ("reserved", 1, 3000),
    ]
    assert told["events"][1]["heard_by"][1]["message"] == "no shelf"


def test_a_flow_is_over_when_everything_that_is_expected_of_it_has_come() -> None:
    def expects(first: str, then: str) -> Expectation:
        return Expectation(service="s", first=first, then=(then,), within=timedelta(minutes=1), place="")

    tree = tree_of(*TOLD)
    assert is_met(tree, [expects("hall.placed", "hall.paid"), expects("hall.other", "hall.never")])
    assert not is_met(tree, [expects("hall.placed", "hall.paid"), expects("hall.paid", "hall.never")])
    assert not is_met(tree, []), "where nothing is expected, nobody knows the end"

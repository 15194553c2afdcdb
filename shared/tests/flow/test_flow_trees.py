"""The tree of a flow is what its happenings say, in whatever order they come.

A naive model, written from the words and not from the code, says what is beneath what and how each service stands.
Causation ids are anybody's: they run in circles, name what is not there, and name the event itself. One id may begin a
flow of a million events. Broker times may contradict causation, and then causation is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from farandole.flow.happening import Happening, Kind
from farandole.flow.hearing import Standing
from farandole.flow.tree import MOST_HAPPENINGS, FlowTree, flow_tree
from flow_happenings import happening
from hypothesis import given
from hypothesis import strategies as st

IDS = tuple("abcdef")
SERVICES = ("payments", "stock")
EMITTED, RETRY, DEAD, DONE, DROPPED = Kind.EMITTED, Kind.RETRY, Kind.DEAD, Kind.HANDLED, Kind.DROPPED
REDRIVEN, DISCARDED, REOPENED = Kind.REDRIVEN, Kind.DISCARDED, Kind.REOPENED


def tree_of(told: Sequence[Happening]) -> FlowTree:
    """Return the tree of a flow that is there."""
    found = flow_tree("flow", told)
    assert found is not None
    return found


@st.composite
def flows(draw: st.DrawFn) -> list[Happening]:
    """Draw what happened: events whose causes are anything, and what services wrote of them."""
    told: list[Happening] = []
    for offset, name in enumerate(draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=8))):
        cause = draw(st.none() | st.sampled_from((*IDS, "elsewhere")))
        seconds = draw(st.integers(0, 5))
        told.append(
            happening(
                EMITTED, name, service=draw(st.sampled_from(SERVICES)), cause=cause, seconds=seconds, offset=offset
            )
        )
    kinds = st.sampled_from((RETRY, DEAD, DONE, DROPPED, REDRIVEN, DISCARDED, REOPENED))
    for offset, kind in enumerate(draw(st.lists(kinds, max_size=8))):
        name = draw(st.sampled_from([one.event_id for one in told]))
        told.append(
            happening(
                kind,
                name,
                service=draw(st.sampled_from(SERVICES)),
                attempt=draw(st.integers(0, 3)),
                seconds=draw(st.integers(0, 5)),
                offset=offset,
            )
        )
    return told


def naive_firsts(told: Sequence[Happening]) -> dict[str, Happening]:
    """Return of each event the record that the brokers had first."""
    firsts: dict[str, Happening] = {}
    for one in sorted(told, key=lambda one: (one.at, one.key)):
        if one.kind is EMITTED:
            firsts.setdefault(one.event_id, one)
    return firsts


def naive_standing(event_id: str, service: str, told: Sequence[Happening]) -> Standing:
    """Return how a service stands, by reading what is known of it from the strongest word to the weakest."""
    mine = [one for one in told if one.event_id == event_id and one.service == service and one.kind is not EMITTED]
    firsts = naive_firsts(told)
    if any(one.kind is DONE for one in mine):
        return Standing.DONE
    if any(
        one.causation_id == event_id and one.service == service and one.event_id != event_id for one in firsts.values()
    ):
        return Standing.DONE
    steps = [one for one in mine if one.kind not in {DROPPED, DONE}]
    for attempt in (3, 2, 1, 0):
        marks = [one for one in steps if one.attempt == attempt and one.kind in {DISCARDED, REOPENED}]
        if marks:
            latest = max(marks, key=lambda one: (one.at, one.key))
            return Standing.DISCARDED if latest.kind is DISCARDED else Standing.DEAD
        if any(one.attempt == attempt and one.kind is DEAD for one in steps):
            return Standing.DEAD
        if any(one.attempt == attempt for one in steps):
            return Standing.RETRYING
    return Standing.DROPPED if mine else Standing.WAITING


@given(told=flows(), random=st.randoms(use_true_random=False))
def test_a_tree_is_what_the_naive_model_says_in_whatever_order_things_come(
    told: list[Happening], random: Random
) -> None:
    found = tree_of(told)
    firsts = naive_firsts(told)
    assert sorted(one.event.event_id for one in found.nodes) == sorted(firsts), "every event once"
    for node in found.nodes:
        assert node.event == firsts[node.event.event_id]
        for each in node.hearings:
            assert each.standing is naive_standing(node.event.event_id, each.service, told)
    again = [*told, *told]
    random.shuffle(again)
    assert tree_of(again) == found


@given(told=flows())
def test_whatever_has_its_cause_in_the_flow_is_beneath_it_unless_they_run_in_a_circle(told: list[Happening]) -> None:
    firsts = naive_firsts(told)
    path: list[str] = []
    for node in tree_of(told).nodes:
        cause = firsts[node.event.event_id].causation_id
        del path[node.depth :]
        assert len(path) == node.depth, "nothing is deeper than one below what is above it"
        if node.depth:
            assert path[-1] == cause
        elif cause in firsts:
            assert _in_circle(node.event.event_id, firsts)
        path.append(node.event.event_id)


def _in_circle(event_id: str, firsts: dict[str, Happening]) -> bool:
    seen, cause = {event_id}, firsts[event_id].causation_id
    while cause in firsts and cause not in seen:
        seen.add(cause)
        cause = firsts[cause].causation_id
    return cause in seen


def test_causation_orders_the_tree_where_clocks_say_the_opposite() -> None:
    told = [
        happening(EMITTED, "placed", service="orders", seconds=9),
        happening(EMITTED, "paid", service="payments", cause="placed", seconds=1),
        happening(EMITTED, "packed", service="stock", cause="paid", seconds=0),
    ]
    assert [(one.event.event_id, one.depth) for one in tree_of(told).nodes] == [
        ("placed", 0),
        ("paid", 1),
        ("packed", 2),
    ]


def test_a_join_is_shown_once_and_names_its_other_cause() -> None:
    told = [
        happening(EMITTED, "placed", service="orders"),
        happening(EMITTED, "paid", service="payments", cause="placed", seconds=1),
        happening(EMITTED, "reserved", service="stock", cause="placed", seconds=2),
        happening(EMITTED, "packed", service="warehouse", cause="reserved", causes=("paid",), seconds=3),
    ]
    (packed,) = [one for one in tree_of(told).nodes if one.event.event_id == "packed"]
    assert (packed.depth, packed.also_caused_by) == (2, ("paid",))
    paid = next(one for one in tree_of(told).nodes if one.event.event_id == "paid")
    assert [(one.service, one.standing) for one in paid.hearings] == [("warehouse", Standing.DONE)]


def test_a_cause_that_is_not_in_the_flow_is_named() -> None:
    (only,) = tree_of([happening(EMITTED, "paid", service="payments", cause="gone")]).nodes
    assert (only.depth, only.missing_cause) == (0, "gone")


def test_what_belongs_to_another_flow_is_left_out() -> None:
    told = [
        happening(EMITTED, "a", service="x"),
        happening(EMITTED, "b", service="x", cause="a", flow="other", offset=1),
    ]
    assert [one.event.event_id for one in tree_of(told).nodes] == ["a"]
    assert flow_tree("unknown", told) is None


def test_the_same_id_with_other_content_is_told() -> None:
    told = [happening(EMITTED, "a", service="x", digest=1), happening(EMITTED, "a", service="x", digest=2, offset=1)]
    (only,) = tree_of(told).nodes
    assert (only.copies, only.conflicting) == (1, True)


def test_an_event_whose_record_is_gone_is_known_by_its_retry() -> None:
    (only,) = tree_of([happening(RETRY, "a", service="x", cause="b", attempt=1)]).nodes
    assert (only.is_emitted, only.missing_cause, only.hearings[0].standing) == (False, "b", Standing.RETRYING)


def test_what_a_replay_does_under_its_own_key_leaves_the_event_as_it_stands() -> None:
    told = [
        happening(EMITTED, "a", service="x"),
        happening(DONE, "a", service="y"),
        happening(DEAD, "a", service="y", attempt=1, replay="r1"),
    ]
    (only,) = tree_of(told).nodes
    assert [(one.replay_id, one.standing) for one in only.hearings] == [("", Standing.DONE), ("r1", Standing.DEAD)]


def test_who_hears_a_type_and_said_nothing_of_it_waits() -> None:
    found = flow_tree("flow", [happening(EMITTED, "a", service="x")], hears=lambda _: ("crm",))
    assert found is not None
    assert [(one.service, one.standing) for one in found.nodes[0].hearings] == [("crm", Standing.WAITING)]


def test_attempts_duplicates_and_dead_letters_are_counted_once_each() -> None:
    told = [
        happening(EMITTED, "a", service="x"),
        happening(RETRY, "a", service="y", attempt=1, offset=1),
        happening(RETRY, "a", service="y", attempt=1, offset=2),  # announced, and announced again after a crash
        happening(DEAD, "a", service="y", attempt=1),
        happening(REDRIVEN, "a", service="y", attempt=2),
        happening(DROPPED, "a", service="y"),
        happening(DONE, "a", service="y", attempt=2),
    ]
    ((only,),) = [one.hearings for one in tree_of(told).nodes]
    assert (only.standing, only.attempts, only.duplicates) == (Standing.DONE, 3, 1)
    assert (only.dead_letters, only.redrives) == (1, 1)


@pytest.mark.parametrize("length", [1_500])
def test_a_chain_as_long_as_anybody_likes_and_a_flow_id_that_is_abused_are_bounded(length: int) -> None:
    chain = [happening(EMITTED, "e0", service="x")]
    chain += [happening(EMITTED, f"e{n}", service="x", cause=f"e{n - 1}", offset=n) for n in range(1, length)]
    assert [one.depth for one in tree_of(chain).nodes] == list(range(length))
    flood = [replace(chain[0], event_id=f"f{n}", ordinal=n) for n in range(MOST_HAPPENINGS + 5)]
    found = tree_of(flood)
    assert (len(found.nodes), found.untold) == (MOST_HAPPENINGS, 5)
    assert all(one.event.key <= other.event.key for one, other in pairwise(found.nodes))

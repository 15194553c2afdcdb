"""A tree holds every event once, and each below its cause, whatever causation ids say."""

from __future__ import annotations

from dataclasses import dataclass

from farandole_console.causation import tree
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Told:
    event_id: str
    causation_id: str | None = None


IDS = st.sampled_from("abcdefgh")
EVENTS = st.lists(st.builds(Told, IDS, st.one_of(st.none(), IDS)), unique_by=lambda one: one.event_id)


@given(EVENTS)
def test_every_event_is_in_the_tree_once(events) -> None:
    assert sorted(one.event.event_id for one in tree(events)) == sorted(one.event_id for one in events)


@given(EVENTS)
def test_what_is_not_at_the_margin_stands_right_below_its_cause(events) -> None:
    branches = tree(events)
    for place, branch in enumerate(branches):
        if branch.depth:
            above = next(one for one in reversed(branches[:place]) if one.depth < branch.depth)
            assert above.depth == branch.depth - 1
            assert above.event.event_id == branch.event.causation_id


@given(EVENTS)
def test_only_a_circle_or_an_unknown_cause_puts_an_effect_at_the_margin(events) -> None:
    known = {one.event_id: one for one in events}

    def ends(event: Told) -> bool:
        """Say whether the causes of an event lead to a beginning."""
        seen = set()
        while event.causation_id in known and event.event_id not in seen:
            seen.add(event.event_id)
            event = known[event.causation_id]
        return event.event_id not in seen

    for branch in tree(events):
        if branch.depth == 0 and branch.event.causation_id in known:
            assert not ends(branch.event)


def test_a_chain_of_ten_thousand_does_not_end_the_stack() -> None:
    events = [Told("0"), *(Told(str(number), str(number - 1)) for number in range(1, 10_000))]
    assert tree(events)[-1].depth == 9_999


def test_effects_of_one_cause_keep_the_order_in_which_they_are_given() -> None:
    events = [Told("c", "a"), Told("a"), Told("b", "a")]
    assert [one.event.event_id for one in tree(events)] == ["a", "c", "b"]

"""The two small things that a sender keeps in memory: which records it has sent, and when the next may go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from farandole.delivery import Coordinates
from farandole.operations import Pace, Sent
from farandole.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st

places = st.builds(
    Coordinates, topic=st.sampled_from(["a", "b"]), partition=st.integers(0, 2), offset=st.integers(0, 30)
)


named = st.tuples(places, st.sampled_from(["", "r1", "r2"]))


@given(st.lists(st.one_of(named, named.map(lambda one: [one]))))
def test_it_is_a_set_of_origins_and_replays_whenever_it_is_asked(steps):
    sent, known = Sent(), set()
    for step in steps:
        if isinstance(step, list):
            assert sent.has(*step[0]) == (step[0] in known)
        else:
            sent.add(*step)
            known.add(step)
    assert len(sent) == len(known)
    assert all(sent.has(*one) for one in known)


NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_pace_is_an_even_flow():
    clock = ManualClock(NOW)
    pace = Pace(200, clock)
    waits = [pace.reserve(40) for _ in range(5)]
    assert waits == [timedelta(milliseconds=200 * number) for number in range(5)]
    clock.move_to(NOW + timedelta(milliseconds=300))
    assert pace.reserve(40) == timedelta(milliseconds=700)


def test_what_was_missed_is_not_caught_up_with():
    clock = ManualClock(NOW)
    pace = Pace(10, clock)
    pace.reserve(10)
    clock.move_to(NOW + timedelta(hours=1))
    assert pace.reserve(10) == timedelta(0)
    assert pace.reserve(1) == timedelta(seconds=1)


async def test_whoever_waits_is_let_go_when_it_is_time():
    clock = ManualClock(NOW)
    pace = Pace(2, clock)
    await pace.wait(2)
    waiting = asyncio.ensure_future(pace.wait(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.move_to(NOW + timedelta(milliseconds=999))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.move_to(NOW + timedelta(seconds=1))
    await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize(("rate", "at_once"), [(1, 1), (200, 40), (1e9, 500)])
def test_so_many_go_at_once_that_the_flow_is_even(rate, at_once):
    assert Pace(rate, ManualClock(NOW)).at_once == at_once


def test_a_rate_is_positive():
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="positive"):
            Pace(wrong, ManualClock(NOW))

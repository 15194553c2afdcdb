"""Only offsets that are finished without a gap may be committed: a gap is work that a crash must bring back."""

from __future__ import annotations

from farandole.engine.tracker import Tracker
from hypothesis import given
from hypothesis import strategies as st


def tracker_of(count: int) -> Tracker:
    tracker = Tracker()
    for offset in range(count):
        tracker.begin(offset)
    return tracker


def test_nothing_is_committed_before_the_first_offset_is_finished():
    tracker = tracker_of(3)
    tracker.finish(1)
    tracker.finish(2)
    assert tracker.to_commit() is None


def test_a_gap_that_closes_commits_everything_behind_it():
    tracker = tracker_of(3)
    for offset in (2, 1, 0):
        tracker.finish(offset)
    assert tracker.to_commit() == 3


def test_what_is_committed_is_not_committed_again_unless_it_failed():
    tracker = tracker_of(1)
    tracker.finish(0)
    tracker.committed(1)
    assert tracker.to_commit() is None
    tracker.committed(None)
    assert tracker.to_commit() == 1


def test_offsets_that_the_broker_compacted_away_are_no_gap():
    tracker = Tracker()
    for offset in (10, 15, 19):
        tracker.begin(offset)
    tracker.finish(10)
    tracker.finish(15)
    assert tracker.to_commit() == 19


def test_a_long_gap_remembers_only_what_is_not_finished():
    tracker = tracker_of(10_000)
    for offset in range(1, 10_000):
        tracker.finish(offset)
    assert (tracker.to_commit(), tracker.uncommitted) == (None, 10_000)
    assert len(tracker._unfinished) == 1
    tracker.finish(0)
    assert (tracker.to_commit(), tracker.uncommitted) == (10_000, 0)


@given(st.permutations(range(12)), st.integers(0, 12))
def test_the_position_is_always_the_first_offset_that_is_not_finished(order, stop):
    tracker = tracker_of(12)
    finished = set(order[:stop])
    for offset in order[:stop]:
        tracker.finish(offset)
    expected = next((offset for offset in range(13) if offset not in finished), 12)
    assert tracker.to_commit() == (expected or None)
    assert tracker.uncommitted == 12 - expected

"""A breaker's rules, one at a time: when it opens, who may probe, how it closes, and how fast it may be called.

Everything is pure: a state, outcomes and a moment go in, a state comes out. The moments are counted in seconds from the
first one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from farandole import Dependency, DependencyError, Throttled
from farandole.breaker import BreakerState, Kind, Outcome, Phase, Wants, ask, begun, is_poison, kind_of, report
from farandole.breaker.state import packed, unpacked
from farandole.calls import Calls
from farandole.errors import StartError
from farandole.signals import Retry, TimedOut

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GATEWAY = Dependency("gateway")


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def ended(kind: Kind, seconds: float, *, began: float | None = None, probe: str = "", after=None) -> Outcome:
    start = seconds if began is None else began
    return Outcome(kind=kind, began=at(start), ended=at(seconds), reason="it hung up", probe=probe, after=after)


def failures(count: int, seconds: float) -> list[Outcome]:
    return [ended(Kind.FAILURE, seconds)] * count


def successes(count: int, seconds: float) -> list[Outcome]:
    return [ended(Kind.SUCCESS, seconds)] * count


def told(state: BreakerState, outcomes: list[Outcome], seconds: float, dependency=GATEWAY) -> BreakerState:
    return report(state, outcomes, at(seconds), dependency)


def asked(state: BreakerState, seconds: float, dependency=GATEWAY, **wants: Any):
    return ask(state, Wants(room=1000, **wants), at(seconds), dependency)


def opened(seconds: float = 0) -> BreakerState:
    return told(begun(at(seconds)), failures(10, seconds), seconds)


def half_opened() -> BreakerState:
    state, granted = asked(opened(), 2, first=1, probe="w:1")
    assert granted.probe
    return told(state, [ended(Kind.SUCCESS, 2.5, began=2, probe="w:1")], 2.5)


def test_ten_failures_open_it_and_the_reason_says_so():
    state = opened()
    assert (state.phase, state.transitions) == (Phase.OPEN, 1)
    assert state.reason == "10 of the last 10 calls failed; the last: it hung up"


def test_nine_failures_do_not():
    assert told(begun(at(0)), failures(9, 0), 0).phase is Phase.CLOSED


def test_fewer_failures_than_successes_do_not():
    state = told(begun(at(0)), successes(11, 0) + failures(9, 0), 0)
    assert state.phase is Phase.CLOSED


def test_a_thousand_successes_do_not_hide_an_outage():
    state = told(begun(at(0)), successes(1000, 0) + failures(9, 0), 0)
    assert state.phase is Phase.CLOSED
    assert told(state, failures(1, 0), 0).phase is Phase.OPEN


def test_failures_longer_ago_than_half_a_minute_are_forgotten():
    state = told(begun(at(0)), failures(9, 0), 0)
    assert told(state, failures(1, 31), 31).phase is Phase.CLOSED


def test_what_began_before_it_opened_neither_closes_it_nor_counts():
    state = told(opened(10), [ended(Kind.SUCCESS, 11, began=9), *failures(20, 11)], 11)
    assert (state.phase, state.transitions, state.ring) == (Phase.OPEN, 1, ())


def test_nobody_runs_while_it_is_open_and_nobody_probes_before_the_interval():
    _, granted = asked(opened(), 1.9, first=5, reruns=5, probe="w:1")
    assert (granted.first, granted.reruns, granted.probe) == (0, 0, False)


def test_one_probes_at_a_time():
    state, first = asked(opened(), 2, first=5, probe="w:1")
    state, second = asked(state, 5, first=5, probe="x:1")
    assert (first.probe, second.probe) == (True, False)


def test_a_probe_that_failed_makes_room_for_the_next_after_the_interval():
    state, _ = asked(opened(), 2, first=1, probe="w:1")
    state = told(state, [ended(Kind.FAILURE, 2.1, began=2, probe="w:1")], 2.1)
    assert not asked(state, 3.9, first=1, probe="x:1")[1].probe
    assert asked(state, 4, first=1, probe="x:1")[1].probe


def test_the_lease_of_a_probe_that_was_never_heard_of_again_ends():
    state, _ = asked(opened(), 2, first=1, probe="w:1", probe_lasts=30 * SECOND)
    assert not asked(state, 31.9, first=1, probe="x:1")[1].probe
    assert asked(state, 32, first=1, probe="x:1")[1].probe


def test_a_late_word_from_a_lost_prober_does_not_end_anothers_lease():
    state, _ = asked(opened(), 2, first=1, probe="w:1", probe_lasts=SECOND)
    state, _ = asked(state, 5, first=1, probe="x:1")
    state = told(state, [ended(Kind.FAILURE, 5.5, began=2, probe="w:1")], 5.5)
    assert state.probe is not None
    assert state.probe.holder == "x:1"


def test_a_probe_that_called_nothing_proves_nothing_and_is_followed_at_once():
    state, _ = asked(opened(), 2, first=1, probe="w:1")
    state = told(state, [ended(Kind.NOTHING, 2.1, began=2, probe="w:1")], 2.1)
    assert state.phase is Phase.OPEN
    assert asked(state, 2.1, first=1, probe="w:2")[1].probe


@pytest.mark.parametrize("kind", [Kind.SUCCESS, Kind.THROTTLED, Kind.HEALTHY])
def test_an_answer_to_a_probe_opens_it_halfway(kind: Kind):
    state, _ = asked(opened(), 2, first=1, probe="w:1")
    assert told(state, [ended(kind, 2.1, began=2, probe="w:1")], 2.1).phase is Phase.HALF_OPEN


def test_that_it_calls_itself_healthy_is_no_proof_against_a_message():
    state, _ = asked(opened(), 2, first=1, probe="w:1")
    state = told(state, [ended(Kind.HEALTHY, 2.1, began=2, probe="w:1")], 2.1)
    assert not is_poison(5, at(0), state)


def test_calls_come_back_slowly_and_twice_as_many_each_second():
    state, granted = half_opened(), []
    for tick in range(1, 40):
        state, one = asked(state, 2.5 + tick / 10, first=1000)
        granted.append(one.first)
    first, second, third = sum(granted[:10]), sum(granted[10:20]), sum(granted[20:30])
    assert 5 <= first <= 9
    assert 1.5 * first <= second <= 2.6 * first
    assert 1.5 * second <= third <= 2.6 * second


def test_it_closes_when_the_ramp_is_over_and_nothing_limits_it_any_more():
    state, granted = asked(half_opened(), 12.6, first=1000)
    assert (state.phase, granted.first) == (Phase.CLOSED, 1000)


def test_five_failures_while_it_is_half_open_open_it_again():
    state = half_opened()
    assert told(state, failures(4, 3), 3).phase is Phase.HALF_OPEN
    assert told(state, failures(5, 3), 3).phase is Phase.OPEN


def test_a_declared_rate_is_kept_in_any_second():
    dependency = Dependency("gateway", rate=20)
    state, granted = begun(at(0)), []
    for tick in range(100):
        state, one = asked(state, tick / 20, dependency, first=1000)
        granted.append(one.first)
    assert max(sum(granted[n : n + 20]) for n in range(80)) <= 20
    assert sum(granted) >= 80


def test_too_many_is_no_failure():
    state = told(begun(at(0)), [ended(Kind.THROTTLED, 1)] * 50, 1)
    assert state.phase is Phase.CLOSED


def test_too_many_cuts_to_less_than_what_was_taken_and_only_once_for_what_was_on_its_way():
    state = told(begun(at(0)), successes(20, 0.5) + [ended(Kind.THROTTLED, 0.6)] * 10, 0.6)
    assert state.limit is not None
    assert state.limit.rate == pytest.approx(14)


def test_not_before_is_heeded_by_all():
    state = told(begun(at(0)), [ended(Kind.THROTTLED, 1, after=2 * SECOND)], 1)
    assert asked(state, 2.9, first=10)[1].first == 0
    state, granted = asked(state, 5, first=10)
    assert granted.first > 0


def test_one_customers_quota_does_not_stop_everybody_for_an_hour():
    state = told(begun(at(0)), [*successes(20, 1), ended(Kind.THROTTLED, 1, after=3600 * SECOND)], 1)
    assert asked(state, 7, first=10)[1].first > 0


def test_a_limit_that_nobody_complained_of_for_a_minute_is_lifted():
    state = told(begun(at(0)), [ended(Kind.THROTTLED, 1)], 1)
    assert asked(state, 60, first=1000)[1].first < 1000
    assert asked(state, 61, first=1000)[1].first == 1000


@pytest.mark.parametrize("other_side", [3, 20, 300])
def test_the_fleet_ends_a_little_below_the_other_sides_rate(other_side: int):
    state, taken, refused, bucket = begun(at(0)), 0, 0, float(other_side)
    for tick in range(1, 1200):
        now = tick / 20
        bucket = min(other_side, bucket + other_side / 20)
        state, granted = asked(state, now, first=1000)
        accepted = min(granted.first, int(bucket))
        bucket -= accepted
        outcomes = successes(accepted, now) + [ended(Kind.THROTTLED, now, after=SECOND)] * (granted.first - accepted)
        state = told(state, outcomes, now)
        if now >= 10:
            taken, refused = taken + accepted, refused + granted.first - accepted
    assert 0.6 * other_side * 50 <= taken <= other_side * 51  # its bucket holds what one second brings
    assert refused <= 0.1 * taken


def test_reruns_cost_what_successes_brought_and_a_few_a_second_are_free():
    state, granted = asked(begun(at(0)), 0, reruns=100)
    assert granted.reruns == 5
    state = told(state, successes(51, 0), 0)
    state, granted = asked(state, 0, reruns=100)
    assert granted.reruns == 10
    _, granted = asked(state, 1, reruns=100)
    assert granted.reruns == 5


def test_reruns_without_budget_do_not_keep_first_runs_from_their_places():
    state, _ = asked(begun(at(0)), 0, reruns=5)
    _, granted = ask(state, Wants(first=16, reruns=16, room=16), at(0), GATEWAY)
    assert (granted.first, granted.reruns) == (16, 0)


def test_a_worker_whose_clock_is_ahead_changes_nothing():
    state = told(begun(at(0)), [ended(Kind.SUCCESS, 1000)], 1)
    assert state.proved == at(1)


def test_poison_fails_twice_while_it_works_for_others():
    worked = told(begun(at(0)), [ended(Kind.SUCCESS, 5)], 5)
    assert is_poison(2, at(4), worked)
    assert not is_poison(1, at(4), worked)
    assert not is_poison(9, at(5), worked)
    assert not is_poison(9, at(4), begun(at(0)))


def test_a_call_that_began_before_the_failure_proves_nothing_against_it():
    state = told(begun(at(0)), [ended(Kind.SUCCESS, 9, began=3)], 9)
    assert not is_poison(2, at(4), state)


def noted(*, answered: str | None = None, failed: str | None = None) -> Calls:
    calls = Calls()
    if answered is not None:
        calls.answered[answered] += 1
    if failed is not None:
        calls.failed[failed] += 1
    return calls


OWN = Dependency("gateway", errors=(ConnectionError,))


@pytest.mark.parametrize(
    ("error", "calls", "kind"),
    [
        (DependencyError("x"), noted(), Kind.FAILURE),
        (DependencyError("x", dependency="gateway"), noted(answered="gateway"), Kind.FAILURE),
        (DependencyError("x", dependency="other"), noted(), Kind.NOTHING),
        (ConnectionResetError(), noted(), Kind.FAILURE),
        (TimedOut("x"), noted(), Kind.FAILURE),
        (Throttled("x"), noted(failed=""), Kind.THROTTLED),
        (Throttled("x", dependency="other"), noted(), Kind.NOTHING),
        (Retry("not yet"), noted(), Kind.NOTHING),
        (ValueError("a bug"), noted(), Kind.NOTHING),
        (ValueError("a bug"), noted(answered=""), Kind.SUCCESS),
        (ValueError("wrapped"), noted(failed=""), Kind.FAILURE),
        (None, noted(answered=""), Kind.SUCCESS),
        (None, noted(answered="other"), Kind.NOTHING),
        (None, noted(), Kind.NOTHING),
    ],
)
def test_what_a_run_proves(error, calls, kind):
    assert kind_of(error, calls, OWN, alone=True, silent=False) is kind


def test_where_calls_are_never_noted_a_run_that_succeeds_stands_for_one():
    assert kind_of(None, noted(), OWN, alone=True, silent=True) is Kind.SUCCESS
    assert kind_of(ValueError(), noted(), OWN, alone=True, silent=True) is Kind.NOTHING


def test_calls_without_a_name_prove_nothing_where_several_are_needed():
    assert kind_of(None, noted(answered=""), OWN, alone=False, silent=False) is Kind.NOTHING


def test_a_state_is_kept_and_read_again_as_it_was():
    state, _ = asked(half_opened(), 3, first=3, reruns=1)
    assert unpacked(packed(state)) == state


@pytest.mark.parametrize("kept", [b"", b"{}", b"nonsense", b'{"phase": "ajar"}', b'"\xff"', None])
def test_what_cannot_be_read_is_as_if_there_were_nothing(kept):
    assert unpacked(kept) is None


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"concurrency": 0}, {"probe_interval": timedelta(0)}, {"first_rate": -1}, {"ramp": -SECOND}]
)
def test_a_dependency_of_no_sense_is_refused(wrong):
    with pytest.raises(StartError, match="E128"):
        Dependency("gateway", **wrong)

"""What becomes of a failed delivery is a pure decision."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from farandole.errors import OversizeError, StoreUnavailableError, UndecodableError
from farandole.outside import OutsideRefusedError
from farandole.recovery import DeadLetter, Failure, Pause, Policy, RetryLater, RetryNow, decide
from farandole.retry import Backoff
from farandole.signals import Reject, Retry
from hypothesis import given
from hypothesis import strategies as st

POLICY = Policy(backoff=Backoff(first=timedelta(seconds=1), factor=4, attempts=3), immediate=1)


def decided(error: Exception, *, attempt: int = 0, immediate: int = 0):
    return decide(Failure(error=error, attempt=attempt, immediate=immediate), POLICY, Random(1))


def test_a_failure_is_first_tried_again_at_once_then_later_then_never():
    assert decided(ValueError("x")) == RetryNow()
    assert isinstance(decided(ValueError("x"), immediate=1), RetryLater)
    assert isinstance(decided(ValueError("x"), attempt=1, immediate=1), RetryLater)
    assert decided(ValueError("x"), attempt=2, immediate=1) == DeadLetter(reason="ValueError: x")


FINAL = [Reject("never"), UndecodableError("bytes"), OversizeError("large"), OutsideRefusedError("409")]


@pytest.mark.parametrize("error", FINAL)
def test_what_cannot_get_better_is_dead_at_once(error):
    assert isinstance(decided(error), DeadLetter)


def test_what_is_away_pauses_and_costs_no_attempt():
    assert decided(StoreUnavailableError("the database is away"), attempt=99) == Pause(reason="the database is away")


@given(st.integers(0, 1), st.randoms(use_true_random=False))
def test_a_handler_that_names_a_time_is_not_tried_before_and_its_crowd_is_spread_as_any_other(attempt, random):
    named = timedelta(seconds=7)
    found = decide(Failure(error=Retry("busy", after=named), attempt=attempt), POLICY, random)
    assert isinstance(found, RetryLater)
    assert named <= found.delay <= named + POLICY.backoff.ceiling(attempt)


def test_attempts_at_a_system_that_asks_for_a_second_each_time_last_as_long_as_at_one_that_says_nothing():
    def waited(error: Exception) -> float:
        patient = Policy(backoff=Backoff(first=timedelta(seconds=1), factor=4, attempts=6))
        random = Random(5)
        found = [decide(Failure(error=error, attempt=attempt), patient, random) for attempt in range(5)]
        return sum(one.delay.total_seconds() for one in found if isinstance(one, RetryLater))

    assert waited(Retry("busy", after=timedelta(seconds=1))) > waited(Retry("busy")) > 60


def test_a_handler_that_names_a_time_runs_out_of_attempts_as_well():
    assert decided(Retry("busy", after=timedelta(seconds=7)), attempt=2) == DeadLetter(reason="busy")


@given(st.integers(0, 40), st.randoms(use_true_random=False))
def test_a_delay_is_drawn_from_zero_to_a_ceiling_that_grows_until_it_is_longest(attempt, random):
    backoff = Backoff(first=timedelta(seconds=1), factor=4, attempts=50, longest=timedelta(minutes=5))
    ceiling = backoff.ceiling(attempt)
    assert timedelta(0) <= backoff.delay(attempt, random) <= ceiling
    assert ceiling == min(timedelta(seconds=4**attempt) if attempt < 10 else timedelta.max, timedelta(minutes=5))


def test_delays_are_spread_so_that_a_crowd_does_not_come_back_at_once():
    backoff, random = Backoff(), Random(3)
    delays = [backoff.delay(2, random) / backoff.ceiling(2) for _ in range(1000)]
    assert 0.45 < sum(delays) / len(delays) < 0.55
    assert min(delays) < 0.05
    assert max(delays) > 0.95


def test_a_time_beyond_all_reason_is_cut_to_a_day():
    decision = decided(Retry("busy", after=timedelta.max))
    assert isinstance(decision, RetryLater)
    assert decision.delay <= timedelta(days=1) + timedelta(seconds=1)


def test_a_thousand_attempts_do_not_overflow():
    backoff = Backoff(attempts=2_000)
    assert backoff.ceiling(1_999) == backoff.longest

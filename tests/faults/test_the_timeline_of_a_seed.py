"""The faults of a torture run follow from its seed, and are as many as the profile says.

Who sees a run fail has to be able to repeat it: so profile and seed alone decide what strikes whom and when. The
profile for pull requests must be worth its ten minutes, and what makes deliveries use up their attempts has to come
early enough for the last retry to be over in time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from profiles import PROFILES
from timeline import ATTEMPTS_COST_UNTIL, OUTSIDE, Kind, timeline

SERVICES = ("console", "inventory", "orders", "payments", "sandbox", "shipping")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_seed_makes_the_same_timeline_again_and_another_seed_another(profile):
    assert timeline(profile, 7, SERVICES) == timeline(profile, 7, tuple(reversed(SERVICES)))
    assert timeline(profile, 7, SERVICES) != timeline(profile, 8, SERVICES)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_fault_begins_within_the_window_and_all_are_there(profile):
    faults = timeline(profile, 3, SERVICES)
    assert len(faults) == profile.faults
    assert all(timedelta(0) <= fault.at <= profile.window for fault in faults)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)


def test_ten_minutes_hold_what_was_asked_for():
    faults = timeline(PROFILES["pr"], 1, SERVICES)
    kills = Counter(fault.target for fault in faults if fault.kind is Kind.KILL)
    kinds = Counter(fault.kind for fault in faults)
    assert PROFILES["pr"].orders >= 5_000
    assert PROFILES["pr"].window <= timedelta(minutes=9)
    assert kills["kafka"] >= 6
    assert kills["redis"] >= 20
    assert sum(kills[name] for name in SERVICES) >= 60
    assert kinds[Kind.FLUSH] >= 5
    assert kinds[Kind.FREEZE] >= 10
    assert kinds[Kind.LINE] >= 10
    assert kinds[Kind.FULL_DISK] >= 1
    assert kinds[Kind.OUTSIDE] >= 5


def test_no_service_is_spared():
    killed = {fault.target for fault in timeline(PROFILES["pr"], 5, SERVICES) if fault.kind is Kind.KILL}
    assert killed == {*SERVICES, "kafka", "redis"}


@pytest.mark.parametrize("seed", range(20))
def test_what_costs_attempts_comes_early(seed):
    profile = PROFILES["pr"]
    costly = [fault for fault in timeline(profile, seed, SERVICES) if fault.target == OUTSIDE]
    assert costly
    assert max(fault.at for fault in costly) <= profile.window * ATTEMPTS_COST_UNTIL


def test_more_of_one_kind_leaves_the_others_where_they_were():
    profile = PROFILES["short"]
    more = timeline(replace(profile, service_kills=profile.service_kills + 1), 1, SERVICES)
    kept = [fault for fault in timeline(profile, 1, SERVICES) if fault.kind is not Kind.KILL]
    assert kept == [fault for fault in more if fault.kind is not Kind.KILL]

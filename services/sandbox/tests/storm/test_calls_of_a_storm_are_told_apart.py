"""The gateway's own count of its calls tells the outage from what came after, without a clock."""

from __future__ import annotations

from farandole_sandbox.storm.traffic import Traffic, traffic
from made_up_storm import calls


def test_calls_are_told_apart_by_their_answers():
    found = traffic([calls(1, 503, 40), calls(2, 503, 2), calls(2, 429, 7), calls(2, 201, 5), calls(3, 402, 1)])
    assert (found.during, found.refused, found.taken, found.calls) == (42, 7, 6, 55)


def test_the_peak_is_that_of_all_calls_after_the_outage_in_one_second():
    found = traffic([calls(1, 503, 900), calls(2, 201, 5), calls(2, 429, 70), calls(3, 201, 20), calls(3, 429, 1)])
    assert (found.peak, found.peak_taken) == (75, 20)


def test_the_second_in_which_the_gateway_comes_back_counts_what_came_after_alone():
    assert traffic([calls(1, 503, 900), calls(1, 201, 5)]).peak == 5


def test_other_systems_do_not_count():
    assert traffic([calls(1, 201, 5, system="erp")]) == Traffic()


def test_a_gateway_that_nobody_called_has_no_peak():
    assert traffic([]) == Traffic()

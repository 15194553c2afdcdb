"""What is done to the demo is drawn from a seed: every process dies once, and the same seed does the same again."""

from __future__ import annotations

from farandole_sandbox.chaos.deed import deeds

PROCESSES = ("kafka", "redis", "orders", "payments", "sandbox")


def victims(seed: int) -> list[str]:
    return [deed.victim for deed in deeds(PROCESSES, orders=830, seed=seed)]


def test_every_process_dies_once_after_the_weather_has_come():
    first, *rest = victims(seed=1)
    assert first == ""
    assert sorted(rest) == sorted(PROCESSES)


def test_the_same_seed_does_the_same_again():
    assert victims(seed=7) == victims(seed=7)
    assert len({tuple(victims(seed)) for seed in range(20)}) > 1


def test_the_deeds_are_spread_over_the_orders():
    turns = [deed.after for deed in deeds(PROCESSES, orders=830, seed=1)]
    assert turns == sorted(turns)
    assert (turns[0] > 0, turns[-1] < 830) == (True, True)


def test_a_single_order_is_enough_for_all_of_them():
    assert {deed.after for deed in deeds(PROCESSES, orders=1, seed=1)} == {1}

"""A replay gives way: to live traffic, to what it sent itself, and to an outside system that is away."""

from __future__ import annotations

from farandole.replay.brake import Brake, Traffic


def test_it_sends_no_more_than_the_service_keeps_up_with() -> None:
    brake = Brake(usual_lag=0, most_outstanding=100)
    some, enough = Traffic(live_lag=0, outstanding=60), Traffic(live_lag=0, outstanding=100)
    assert brake.seen(some).room(some) == 40
    assert brake.seen(enough).room(enough) == 0
    assert "100 sent and not handled yet" in brake.seen(enough).holding


def test_it_waits_while_live_traffic_falls_behind_and_says_by_how_much() -> None:
    brake = Brake(usual_lag=200, slack=500)
    assert not brake.seen(Traffic(live_lag=700, outstanding=0)).holding
    assert brake.seen(Traffic(live_lag=1_203, outstanding=0)).holding == "waiting for live traffic: 1,203 behind"


def test_it_goes_on_only_when_live_traffic_is_halfway_back() -> None:
    held = Brake(usual_lag=0, slack=500).seen(Traffic(live_lag=501, outstanding=0))
    still = held.seen(Traffic(live_lag=400, outstanding=0))
    assert still.holding
    assert not still.seen(Traffic(live_lag=250, outstanding=0)).holding


def test_a_lag_that_was_there_before_is_none_of_its_business() -> None:
    assert not Brake(usual_lag=90_000).seen(Traffic(live_lag=90_000, outstanding=0)).holding


def test_it_waits_while_a_breaker_that_it_needs_is_open() -> None:
    traffic = Traffic(live_lag=0, outstanding=0, away=["payment-gateway"])
    held = Brake(usual_lag=0).seen(traffic)
    assert held.room(traffic) == 0
    assert held.holding == "waiting for payment-gateway: its breaker is open"

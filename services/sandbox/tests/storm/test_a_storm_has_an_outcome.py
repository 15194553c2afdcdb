"""What a storm is asked to be, what its document says, and when the mesh has broken its promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from farandole.breaker import Dependency
from farandole.codec import Codec
from farandole.errors import UsageError
from farandole_events import CATALOGUE, OrderPlaced
from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.errand import errands
from farandole_sandbox.storm.bar import most_calls
from farandole_sandbox.storm.count import Counted
from farandole_sandbox.storm.forecast import Forecast
from farandole_sandbox.storm.outcome import Outcome
from farandole_sandbox.storm.plan import Plan, planned
from farandole_sandbox.storm.processes import the_gateway
from farandole_sandbox.storm.queued import message_of, order_ids, placed_order
from farandole_sandbox.storm.row import Row
from farandole_sandbox.storm.traffic import Traffic
from farandole_sandbox.storm.way import Way

PLAN = Plan(orders=100, outage=timedelta(seconds=60), rate=200)
GATEWAY = Dependency("payment-gateway", probe_interval=timedelta(seconds=2), concurrency=16)
CALM = Row(
    way=Way.MESH,
    orders=100,
    traffic=Traffic(during=20, taken=100, peak=50, peak_taken=50),
    counted=Counted(answered=100, dead=0, lost=0, doubled=0, last=12.5),
    back=10.0,
)


def outcome(row: Row = CALM) -> Outcome:
    return Outcome(plan=PLAN, gateway=GATEWAY, rows=[row])


def test_a_mesh_that_keeps_to_every_bar_is_good():
    assert outcome().is_good
    assert outcome().document()["kept"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"traffic": replace(CALM.traffic, during=67)},
        {"traffic": replace(CALM.traffic, peak=201)},
        {"counted": replace(CALM.counted, dead=1)},
        {"counted": replace(CALM.counted, lost=1)},
        {"counted": replace(CALM.counted, doubled=1)},
    ],
    ids=["calls", "peak", "dead", "lost", "doubled"],
)
def test_a_mesh_that_breaks_a_bar_is_not(change):
    assert not outcome(replace(CALM, **change)).is_good


def test_nothing_is_asked_of_what_is_written_by_hand():
    assert outcome(replace(CALM, way=Way.NAIVE, counted=replace(CALM.counted, lost=9))).is_good


def test_an_outage_allows_the_window_of_the_breaker_what_was_on_its_way_and_a_call_a_probe():
    assert most_calls(timedelta(seconds=60), GATEWAY) == 20 + 16 + 30


def test_the_gateway_of_the_payments_service_gets_fewer_than_a_hundred_calls_in_a_minute():
    assert most_calls(timedelta(seconds=60), the_gateway()) < 100


def test_the_drain_is_counted_from_the_end_of_the_outage():
    assert outcome().document()["ways"][0]["drained_after_seconds"] == 2.5


@pytest.mark.parametrize(("orders", "outage", "rate"), [(0, 60, 200), (10, 0, 200), (10, 60, 0), (10, 86_400, 200)])
def test_a_storm_that_cannot_be_is_refused(orders, outage, rate):
    with pytest.raises(UsageError):
        planned(orders=orders, outage=timedelta(seconds=outage), rate=rate)


def test_every_order_is_queued_once_under_the_id_that_is_counted_later():
    events = [placed_order(errand) for errand in errands(northwind.orders(), 1700)]
    assert [event.order_id for event in events] == list(order_ids(1700))
    assert len({event.order_id for event in events}) == 1700


def test_a_queued_order_is_read_back_whole():
    order = placed_order(next(errands(northwind.orders(), 1)))
    codec = Codec(CATALOGUE)
    message = message_of(order, codec)
    assert codec.decode(message.value or b"", OrderPlaced) == order
    assert order.total_cents == sum(line.total_cents for line in order.lines) + order.freight_cents


def test_the_forecast_counts_the_runs_that_are_still_to_come():
    told: list[str] = []
    forecast = Forecast(PLAN, tuple(Way), say=told.append)
    forecast.begin()
    forecast.outage(Way.BACKOFF, left=timedelta(seconds=30), calls=1234)
    assert "3 runs one after another, 3 min 32 s or more" in told[0]
    assert "out for another 30 s; 1,234 calls so far; 1 min 41 s or more to go" in told[1]


def test_lines_are_told_when_they_are_news_and_not_more_than_one_in_two_seconds():
    told: list[str] = []
    clock = [0.0]
    forecast = Forecast(PLAN, (Way.MESH,), say=told.append, now=lambda: clock[0])
    for second, answered in enumerate((1, 2, 3, 3, 3, 3)):
        clock[0] = second
        forecast.draining(Way.MESH, answered=answered, dead=0)
    assert [line.split("mesh: ")[1].split(" of")[0] for line in told] == ["1", "3"]

"""Whoever may write to the orders topic can write anything: no record of his stops the figures of the others.

Headers whose value is null, no value at all, bytes that are no order, and an order of so many lines that its figures
would not fit into one record of the table's log: each is passed over or counted, and the next order is counted.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from analytics_orders import NOON, order
from farandole import Codec, catalogues
from farandole.engine.intake import Intake
from farandole.metrics import Metrics
from farandole.private_topics import PrivateTopics
from farandole.testing import ManualClock
from farandole_analytics import stream
from farandole_analytics.figures import Figures
from farandole_analytics.minutes import Minutes
from farandole_analytics.reading import HEARD, MOST_LINES, Reading, passed_over
from farandole_analytics.sale import parts_of
from farandole_analytics.tally import Tally
from farandole_events.types import OrderLine

(CATALOGUE,) = catalogues.discover()
CODEC = Codec(CATALOGUE)
GOOD = CODEC.encode(order())
TYPED = (("ce_type", HEARD.encode()),)
LINE = OrderLine(product_id="1", product_name="", quantity=1, unit_price_cents=1, total_cents=1)


@pytest.fixture
def reading() -> Reading:
    intake = Intake(
        service="analytics",
        cluster="c",
        handlers={},
        schemas=CATALOGUE,
        topics=PrivateTopics(service="analytics", tiers=0),
    )
    tally = Tally({}, minutes=Minutes(), keep=timedelta(hours=1), clock=ManualClock(NOON))
    metrics = Metrics("analytics")
    return Reading(tally, intake=intake, codec=CODEC, metrics=metrics, passed_over=passed_over(metrics))


def event(offset: int, value: bytes | None, headers: object = TYPED) -> SimpleNamespace:
    """A record as Faust hands it over."""
    message = SimpleNamespace(
        topic="orders", partition=0, offset=offset, timestamp=NOON.timestamp(), headers=headers, key=b"k"
    )
    return SimpleNamespace(message=message, key=b"k", value=value)


def of_lines(count: int) -> bytes:
    return CODEC.encode(replace_lines(count))


def replace_lines(count: int):
    placed = order()
    return type(placed)(**{**{n: getattr(placed, n) for n in placed.__struct_fields__}, "lines": (LINE,) * count})


@pytest.mark.parametrize(
    ("value", "headers", "counted"),
    [
        (GOOD, [("ce_id", None), ("foreign", None)], True),
        (GOOD, [(f"h{number}", b"") for number in range(50_000)], True),
        (GOOD, [("ce_time", b"9999-12-31T23:59:59-23:59")], True),
        (GOOD, None, True),
        (None, TYPED, False),
        (b"", TYPED, False),
        (GOOD[:-1], TYPED, False),
        (of_lines(MOST_LINES), TYPED, True),
        (of_lines(MOST_LINES + 1), TYPED, False),
    ],
    ids=[
        "null headers",
        "a flood of headers",
        "a time of 9999",
        "no headers",
        "no value",
        "an empty value",
        "an order cut short",
        "a thousand lines",
        "a line more",
    ],
)
def test_it_is_counted_or_passed_over_and_the_next_order_is_counted(reading, value, headers, counted) -> None:
    assert reading.take(stream._record(event(0, value, headers))) is counted
    assert reading.take(stream._record(event(1, GOOD)))


def test_an_order_counts_once_for_each_of_its_products_however_many_lines_name_it() -> None:
    parts = parts_of(replace_lines(3))
    assert Figures(orders=1, units=3, revenue_cents=3) in parts.values()

"""The figures, as a dashboard asks for them."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from analytics_orders import NOON, delivery, order
from farandole.testing import ManualClock
from farandole_analytics.minutes import Minutes
from farandole_analytics.pages import create_pages
from farandole_analytics.tally import Tally


@pytest.fixture
async def http():
    minutes = Minutes()
    tally = Tally({}, minutes=minutes, keep=timedelta(days=1), clock=ManualClock(NOON))
    for number in range(3):
        moment = NOON + timedelta(minutes=number)
        tally.take(order(number, country="Chad"), delivery(str(number), time=moment, appended=moment))
    transport = httpx2.ASGITransport(create_pages(minutes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://analytics") as client:
        yield client


async def test_figures_are_told_by_product_and_by_country_the_latest_minute_first(http) -> None:
    by_country = (await http.get("/sales/minutes?by=country")).json()
    assert by_country["by"] == "country"
    assert by_country["minutes"][0] == {
        "minute": "2026-11-23T12:02Z",
        "country": "Chad",
        "orders": 1,
        "units": 2,
        "revenue_cents": 600,
        "currency": "USD",
    }
    by_product = (await http.get("/sales/minutes?by=product")).json()["minutes"]
    assert [one["minute"][11:16] for one in by_product] == ["12:02", "12:01", "12:00"]
    assert by_product[0]["product_id"] == "11"
    assert by_product[0]["revenue_cents"] == 500


async def test_earlier_minutes_are_reached_page_by_page(http) -> None:
    (latest,) = (await http.get("/sales/minutes?limit=1")).json()["minutes"]
    earlier = (await http.get("/sales/minutes", params={"limit": 5, "before": latest["minute"]})).json()["minutes"]
    assert [one["minute"][11:16] for one in earlier] == ["12:01", "12:00"]


@pytest.mark.parametrize("query", ["by=customer", "limit=0", "limit=x", "limit=99999", "before=noon", "by="])
async def test_what_cannot_be_asked_is_refused_with_the_field(http, query) -> None:
    answer = await http.get(f"/sales/minutes?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["reason"].startswith(f"{query.partition('=')[0]} must be")

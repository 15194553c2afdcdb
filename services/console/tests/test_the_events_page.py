"""The page of events: searched by what the address says, or watched as they come; one record with what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from farandole_console.event_search import EventMark, EventSearch
from farandole_console.pages.events import command, skipped

PLACED, PAID = "farandole.orders.OrderPlaced", "farandole.payments.PaymentAuthorised"


async def page(console, path: str) -> str:
    answer = await console.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
async def filled(console, told):
    await console.deliver_record(told("flow-1", PLACED, flow="flow-1", subject="order-1"))
    await console.advance(timedelta(minutes=1))
    await console.deliver_record(
        told("p-1", PAID, flow="flow-1", subject="order-1", source="payments", topic="payments")
    )
    await console.advance(timedelta(minutes=1))
    await console.deliver_record(told("flow-2", PLACED, flow="flow-2", subject="<b>order-2</b>"))
    return console


async def test_the_latest_comes_first_and_each_leads_to_its_flow_and_its_record(filled) -> None:
    shown = await page(filled, "/events")
    assert shown.index("flow-2") < shown.index("PaymentAuthorised")
    assert 'href="/flows/flow-1"' in shown
    assert "/events/record?record=payments%7C" in shown
    assert "&lt;b&gt;order-2" in shown
    assert "<b>order-2" not in shown


async def test_what_is_searched_stays_in_the_address_and_in_the_command(filled) -> None:
    shown = await page(filled, f"/events?type={PAID}&key=order-1")
    assert "flow-2" not in shown
    assert f"farandole events find --type {PAID} --key order-1" in shown
    assert f"/events?key=order-1&amp;type={PAID}&amp;live=yes" in shown
    assert "No event like that" in await page(filled, "/events?key=nobody")


async def test_pages_follow_one_another(filled) -> None:
    first = await page(filled, f"/events?type={PLACED}&limit=1")
    assert "Earlier events" in first
    before = first.partition("before=")[2].partition('"')[0]
    second = await page(filled, f"/events?type={PLACED}&limit=1&before={before}")
    assert "/flows/flow-1" in second
    assert "/flows/flow-2" not in second


async def test_what_is_watched_asks_again_from_where_it_is(filled) -> None:
    shown = await page(filled, "/events?live=yes&topic=orders")
    assert 'hx-get="/events?topic=orders&amp;live=yes&amp;last=' in shown
    assert "farandole tail --topic orders" in shown
    assert "Earlier events" not in shown
    assert "hx-get" not in await page(filled, "/events?topic=orders")


@pytest.mark.parametrize("query", ["from=yesterday", "from=2026-11-23T12:00:00", "before=x", "limit=0", "limit=1000"])
async def test_what_cannot_be_asked_is_refused_with_the_reason(filled, query) -> None:
    answer = await filled.http.get(f"/events?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


@pytest.mark.parametrize(
    "place", ["", "orders", "_farandole.audit|0|0", "orders|0|-1", "orders|0|99999999999999999999"]
)
async def test_a_place_that_is_none_is_refused(filled, place) -> None:
    assert (await filled.http.get("/events/record", params={"record": place})).status_code == 400


def test_a_live_page_says_when_more_came_than_it_shows(indexed) -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    events = [indexed(at + timedelta(seconds=second), seq=second) for second in (9, 8, 7)]
    assert skipped(events, str(EventMark(appended=at, seq=1)), limit=3)
    assert not skipped(events, str(EventMark(appended=at + timedelta(seconds=7), seq=7)), limit=3)
    assert not skipped(events, str(EventMark(appended=at, seq=1)), limit=4), "all there are are shown"
    assert not skipped(events, "", limit=3)


def test_the_command_is_quoted_for_a_shell() -> None:
    asked = EventSearch(key="a b; rm", topic="orders")
    assert command(asked, {}, is_live=False) == "farandole events find --topic orders --key 'a b; rm'"
    assert command(asked, {"from": "2026-11-23T12:00:00 02:00"}, is_live=False).endswith("2026-11-23T12:00:00+02:00")


@pytest.fixture
def indexed():
    from farandole_console.indexed_event import IndexedEvent

    def made(at: datetime, *, seq: int) -> IndexedEvent:
        return IndexedEvent(
            seq=seq,
            source="orders",
            event_id=f"e-{seq}",
            type=PLACED,
            subject="",
            flow_id="f",
            causation_id=None,
            causes="",
            time="",
            appended=at,
            topic="orders",
            partition=0,
            offset=seq,
            digest=1,
            conflicting=False,
        )

    return made

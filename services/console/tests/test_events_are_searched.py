"""Events are found by flow, key, id, type, service, topic and time, the latest first or in the order of indexing."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

PLACED, PAID = "farandole.orders.OrderPlaced", "farandole.payments.PaymentAuthorised"


@pytest.fixture
async def filled(console, told):
    for number in range(3):
        flow = f"flow-{number}"
        await console.deliver_record(told(flow, PLACED, flow=flow, subject=f"order-{number}"))
        await console.advance(timedelta(minutes=1))
        await console.deliver_record(
            told(f"p-{number}", PAID, flow=flow, subject=f"order-{number}", source="payments", topic="payments")
        )
        await console.advance(timedelta(minutes=1))
    return console


async def ids(console, query: str) -> list[str]:
    answer = await console.http.get(query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["events"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["p-2", "flow-2", "p-1", "flow-1", "p-0", "flow-0"]),
        ("flow=flow-1", ["p-1", "flow-1"]),
        ("key=order-2", ["p-2", "flow-2"]),
        ("id=p-0", ["p-0"]),
        (f"type={PAID}", ["p-2", "p-1", "p-0"]),
        ("service=payments&key=order-1", ["p-1"]),
        ("topic=orders&limit=2", ["flow-2", "flow-1"]),
        ("type=Nothing", []),
    ],
)
async def test_each_way_of_asking_finds_what_it_names(filled, query, found) -> None:
    assert await ids(filled, f"/api/events/latest?{query}") == found
    if "limit" not in query:
        assert await ids(filled, f"/api/events?{query}") == found[::-1]


async def test_a_time_bounds_what_is_found(filled) -> None:
    events = (await filled.http.get("/api/events")).json()["events"]
    since, until = (quote(events[place]["appended"]) for place in (1, 4))
    assert await ids(filled, f"/api/events?from={since}&to={until}") == [one["id"] for one in events[1:4]]
    assert await ids(filled, f"/api/events/latest?type={PLACED}&to={since}") == ["flow-0"]


async def test_pages_follow_one_another_without_a_gap(filled, told) -> None:
    seen, query = [], "/api/events/latest?limit=2"
    while True:
        page = (await filled.http.get(query)).json()
        seen += [one["id"] for one in page["events"]]
        if page["next"] is None:
            break
        await filled.deliver_record(told(f"new-{len(seen)}"))
        query = f"/api/events/latest?limit=2&before={page['next']}"
    assert seen == ["p-2", "flow-2", "p-1", "flow-1", "p-0", "flow-0"]


async def test_a_flow_is_found_by_its_order_and_by_any_of_its_events(filled) -> None:
    for name in ("flow-1", "order-1", "p-1"):
        assert (await filled.http.get(f"/api/flows/{name}")).json()["flow"] == "flow-1"


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-11-23T12:00:00", "before=x", "before=1.x", "type=%00"])
async def test_what_is_asked_wrongly_is_refused_with_a_reason(console, query) -> None:
    answer = await console.http.get(f"/api/events/latest?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"]

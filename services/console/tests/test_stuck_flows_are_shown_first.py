"""Flows that are stuck stand first on the page of flows, and the overview counts them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from farandole_console.promises.tables import promise

WHY = "nobody has anything of it left to read"
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def stuck(console, told):
    for flow in ("flow-1", "flow-2"):
        await console.deliver_record(told(flow, flow=flow, subject=f"order of {flow}"))
    row = {
        "expectation": "orders: OrderPlaced",
        "began": AT,
        "look": AT,
        "why": "nobody has anything of it left to read",
    }
    async with console.store.transaction() as work:
        await work.execute(work.insert(promise).values(flow_id="flow-1", stuck_since=AT, **row))
    return console


async def test_a_stuck_flow_stands_first_with_the_reason(stuck) -> None:
    shown = (await stuck.http.get("/flows")).text
    assert shown.index(WHY) < shown.index("order of flow-2")
    assert "2026-11-23 12:00:00" in shown
    (told,) = (await stuck.http.get("/api/flows?stuck=1")).json()["flows"]
    assert told["flow"] == "flow-1"


async def test_only_the_stuck_ones_are_shown_where_that_is_asked(stuck) -> None:
    shown = (await stuck.http.get("/flows?stuck=1")).text
    assert "order of flow-1" in shown
    assert "order of flow-2" not in shown


async def test_the_overview_counts_them(stuck) -> None:
    assert 'href="/flows?stuck=1"' in (await stuck.http.get("/")).text


async def test_where_none_is_stuck_the_page_says_so(console, told) -> None:
    await console.deliver_record(told("flow-1"))
    assert "No flow is stuck" in (await console.http.get("/flows?stuck=1")).text
    assert "overdue" in (await console.http.get("/")).text

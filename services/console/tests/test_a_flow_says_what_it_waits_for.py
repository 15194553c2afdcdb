"""A flow is told as the command tells it: the tree, what became of each event where, and what the flow waits for.

Why it waits comes from the index, and from what the console saw of the mesh last: it asks nobody while a page is made.
What a source told before it went away is left out, for it may be long untrue.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from farandole.breaker import BreakerState, Phase
from farandole.breaker.budget import Budget
from farandole.engine.ports import Message
from farandole.testing import Harness
from farandole_console.live.declared import Declarations, DeclaredHandler, DeclaredService
from farandole_console.live.gatherer import Gatherer
from farandole_console.live.sight import Behind, GroupSight, Sight

PLACED = "farandole.orders.OrderPlaced"
SINCE = datetime(2026, 11, 23, 11, 58, tzinfo=UTC)


def private(message: Message, topic: str, **own: str) -> Message:
    headers = tuple((f"farandole_{name}", value.encode()) for name, value in own.items())
    return Message(topic=topic, key=message.key, value=message.value, headers=(*message.headers, *headers))


async def flow(console: Harness, name: str = "flow-1") -> dict:
    return (await console.http.get(f"/api/flows/{name}")).json()


@pytest.fixture
def payments(unseeing: dict) -> Gatherer:
    """Payments hears orders and depends on a bank; of its group it is known that it reads offset 0 next."""
    handler = DeclaredHandler(
        function="pay",
        event="OrderPlaced",
        type=PLACED,
        topic="orders",
        emits=[],
        depends_on=["bank"],
        retry="",
        on_replay="skip",
    )
    declared = DeclaredService(
        name="payments", handlers=[handler], timers=[], observes=False, has_store=True, is_read_model=False
    )
    unseeing[Declarations].services = [declared]
    behind = [Behind(topic="orders", partition=number, next=0, lag=10) for number in range(50)]
    gatherer = unseeing[Gatherer]
    gatherer.sight = Sight(groups={"payments": GroupSight(name="payments", members=1, state="stable", behind=behind)})
    return gatherer


async def test_a_retry_and_a_dead_letter_are_told_where_they_happened(console, told) -> None:
    event = told("flow-1", PLACED)
    await console.deliver_record(event)
    await console.deliver_record(
        private(event, "payments.retry.1", attempt="1", due_after_ms="60000", error_class="Away")
    )
    found = await flow(console)
    (first,) = found["events"]
    (heard,) = first["heard_by"]
    assert (heard["service"], heard["standing"], heard["error_class"]) == ("payments", "retrying", "Away")
    (wait,) = found["waiting"]
    assert (wait["why"], wait["service"], wait["until"]) == ("retry", "payments", heard["due"])
    await console.deliver_record(private(event, "payments.dlq", attempt="1", error_class="Away"))
    (wait,) = (await flow(console))["waiting"]
    assert (wait["why"], wait["event"]) == ("dead", "flow-1")
    assert wait["command"].startswith("farandole dlq redrive flow-1 --service payments")
    page = (await console.http.get("/flows/flow-1")).text
    assert "farandole dlq redrive flow-1" in page
    assert ">dead</span>" in page


async def test_the_document_is_the_same_by_whatever_name_the_flow_is_asked_for(console, told) -> None:
    await console.deliver_record(told("flow-1", PLACED))
    await console.advance(timedelta(milliseconds=1500))
    await console.deliver_record(told("e-2", "OrderPaid", cause="flow-1", source="payments", topic="payments"))
    found = await flow(console)
    assert found["key"] == "order-1"
    assert found["began"].endswith("Z")
    assert [(one["id"], one["depth"], one["since_ms"]) for one in found["events"]] == [
        ("flow-1", 0, 0),
        ("e-2", 1, 1500),
    ]
    assert found["events"][0]["where"].startswith("orders|")
    assert [one["standing"] for one in found["events"][0]["heard_by"]] == ["done"]
    assert [one["why"] for one in found["waiting"]] == ["nothing"]
    assert await flow(console, "order-1") == await flow(console, "e-2") == found


async def test_a_service_that_has_not_read_it_yet_is_named_with_how_far_it_is(console, told, payments) -> None:
    await console.deliver_record(told("before", PLACED, flow="other"))
    await console.deliver_record(told("flow-1", PLACED))
    (wait,) = (await flow(console))["waiting"]
    assert (wait["why"], wait["told"]) == ("unread", "payments has not read it yet: 1 event behind")
    payments.sight = replace(payments.sight, faults={"groups": "the brokers are away"})
    assert [one["why"] for one in (await flow(console))["waiting"]] == ["nothing"]


async def test_an_open_breaker_is_the_reason_unless_redis_is_away(console, told, payments) -> None:
    await console.deliver_record(told("flow-1", PLACED))
    payments.sight = replace(
        payments.sight, breakers={"bank": BreakerState(phase=Phase.OPEN, since=SINCE, budget=Budget(at=SINCE))}
    )
    (wait,) = (await flow(console))["waiting"]
    assert (wait["why"], wait["told"]) == ("breaker", "payments: breaker bank open since 11:58:00")
    assert wait["told"] in (await console.http.get("/flows/flow-1")).text
    payments.sight = replace(payments.sight, faults={"redis": "Redis is away"})
    assert "breaker" not in [one["why"] for one in (await flow(console))["waiting"]]


async def test_an_id_with_other_content_is_one_event_with_a_further_record(console, told) -> None:
    await console.deliver_record(told("flow-1", value=b"one"))
    await console.deliver_record(told("flow-1", value=b"other"))
    (event,) = (await flow(console))["events"]
    assert (event["conflicting"], event["copies"]) == (True, 1)


async def test_events_beyond_those_that_are_read_are_counted(console, told, monkeypatch) -> None:
    monkeypatch.setattr("farandole_console.index.MOST_SHOWN", 2)
    for name in ("flow-1", "e-2", "e-3", "e-4", "e-5"):
        await console.deliver_record(told(name))
    found = await flow(console)
    assert (len(found["events"]), found["untold"]) == (2, 3)
    assert "3 more are not shown" in (await console.http.get("/flows/flow-1")).text

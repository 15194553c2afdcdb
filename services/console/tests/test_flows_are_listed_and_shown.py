"""Every event of the mesh is in the console once, with its flow, whatever order and however often it comes."""

from __future__ import annotations

from datetime import timedelta

from farandole.testing import Harness
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings


async def listed(console: Harness, query: str = "") -> list[dict]:
    return (await console.http.get(f"/api/flows{query}")).json()["flows"]


async def test_an_empty_console_says_so(console) -> None:
    page = await console.http.get("/flows")
    assert page.status_code == 200
    assert "No flow yet" in page.text


async def test_a_flow_is_listed_with_its_first_and_its_latest_event(console, told) -> None:
    await console.deliver_record(told("flow-1", "farandole.orders.OrderPlaced"))
    await console.advance(timedelta(seconds=1))
    await console.deliver_record(told("e-2", "farandole.payments.PaymentAuthorised", cause="flow-1", topic="payments"))
    (flow,) = await listed(console)
    assert flow["flow"] == "flow-1"
    assert flow["key"] == "order-1"
    assert (flow["first_type"], flow["last_type"]) == (
        "farandole.orders.OrderPlaced",
        "farandole.payments.PaymentAuthorised",
    )
    assert flow["events"] == 2
    page = (await console.http.get("/flows")).text
    assert "order-1" in page
    assert "PaymentAuthorised" in page


async def test_the_event_that_names_the_flow_begins_it_even_when_it_is_seen_last(console, told) -> None:
    await console.deliver_record(told("e-2", "StockLow", cause="flow-1", subject="product-7", topic="stock"))
    await console.advance(timedelta(seconds=1))
    await console.deliver_record(told("flow-1", "OrderPlaced"))
    (flow,) = await listed(console)
    assert (flow["first_type"], flow["key"], flow["events"]) == ("OrderPlaced", "order-1", 2)


async def test_an_event_that_comes_twice_counts_once(console, told) -> None:
    record = await console.deliver_record(told("flow-1"))
    await console.redeliver(record)
    (flow,) = await listed(console)
    assert flow["events"] == 1
    events = (await console.http.get("/api/events")).json()["events"]
    assert [one["id"] for one in events] == ["flow-1"]
    assert not events[0]["conflicting"]


async def test_a_batch_that_is_given_again_changes_nothing(database_url, told, unseeing) -> None:
    messages = [told("flow-1"), told("e-2", "StockReserved", cause="flow-1", topic="reservations")]
    for _ in range(2):
        async with Harness(service, database_url=database_url, provide=unseeing) as console:
            for message in messages:
                await console.deliver_record(message)
            (flow,) = await listed(console)
            assert flow["events"] == 2


async def test_an_id_that_comes_again_with_other_content_is_marked(console, told) -> None:
    await console.deliver_record(told("flow-1", value=b"one"))
    await console.deliver_record(told("flow-1", value=b"other"))
    (event,) = (await console.http.get("/api/events")).json()["events"]
    assert event["conflicting"]
    assert "other content" in (await console.http.get("/flows/flow-1")).text


async def test_a_record_that_was_sent_twice_is_one_event_with_a_copy(console, told) -> None:
    for _ in range(3):
        await console.deliver_record(told("flow-1", value=b"one"))
    (event,) = (await console.http.get("/api/flows/flow-1")).json()["events"]
    assert (event["copies"], event["conflicting"]) == (2, False)
    (row,) = (await console.http.get("/api/events")).json()["events"]
    assert not row["conflicting"]


async def test_two_sources_may_use_the_same_id(console, told) -> None:
    await console.deliver_record(told("7", flow="a", source="orders"))
    await console.deliver_record(told("7", flow="b", source="suppliers"))
    assert len(await listed(console)) == 2


async def test_a_flow_is_shown_by_cause_and_not_by_clock(console, told) -> None:
    await console.deliver_record(told("e-3", "OrderPacked", cause="e-2"))
    await console.advance(timedelta(seconds=1))
    await console.deliver_record(told("e-2", "StockReserved", cause="flow-1"))
    await console.advance(timedelta(seconds=1))
    await console.deliver_record(told("flow-1", "OrderPlaced"))
    flow = (await console.http.get("/api/flows/flow-1")).json()
    assert [(one["depth"], one["type"]) for one in flow["events"]] == [
        (0, "OrderPlaced"),
        (1, "StockReserved"),
        (2, "OrderPacked"),
    ]
    page = (await console.http.get("/flows/flow-1")).text
    assert page.index("OrderPlaced") < page.index("StockReserved</b>") < page.index("OrderPacked</b>")


async def test_the_list_is_paged_with_the_latest_flow_first(console, told) -> None:
    for number in range(5):
        await console.deliver_record(told(f"flow-{number}", flow=f"flow-{number}"))
        await console.advance(timedelta(seconds=number % 2))
    seen, query = [], "?limit=2"
    while True:
        page = (await console.http.get(f"/api/flows{query}")).json()
        seen += [one["flow"] for one in page["flows"]]
        if page["next"] is None:
            break
        query = f"?limit=2&before={page['next']}"
    assert sorted(seen) == [f"flow-{number}" for number in range(5)]
    assert seen[0] == "flow-4"
    assert "Earlier flows" in (await console.http.get("/flows?limit=2")).text


async def test_an_order_is_found_by_its_key_or_its_flow(console, told) -> None:
    await console.deliver_record(told("a", flow="a", subject="order-a"))
    await console.deliver_record(told("b", flow="b", subject="order-b"))
    assert [one["flow"] for one in await listed(console, "?key=order-b")] == ["b"]
    assert [one["flow"] for one in await listed(console, "?key=a")] == ["a"]
    assert "No flow of this order" in (await console.http.get("/flows?key=nobody")).text


async def test_tools_read_every_event_from_where_they_stopped(console, told) -> None:
    for number in range(5):
        await console.deliver_record(told(f"e-{number}"))
    first = (await console.http.get("/api/events?limit=3")).json()
    rest = (await console.http.get(f"/api/events?after={first['next']}&limit=3")).json()
    assert [one["id"] for one in first["events"] + rest["events"]] == [f"e-{number}" for number in range(5)]
    nothing = (await console.http.get(f"/api/events?after={rest['next']}")).json()
    assert nothing == {"events": [], "next": rest["next"]}


async def test_flows_that_ended_long_ago_are_forgotten_with_their_events(database_url, told, unseeing) -> None:
    settings = ConsoleSettings(retention=timedelta(minutes=10))
    async with Harness(service, database_url=database_url, provide={**unseeing, ConsoleSettings: settings}) as console:
        await console.deliver_record(told("old", flow="old"))
        await console.advance(timedelta(minutes=6))
        await console.deliver_record(told("young", flow="young"))
        assert len(await listed(console)) == 2
        await console.advance(timedelta(minutes=6))
        assert [one["flow"] for one in await listed(console)] == ["young"]
        assert [one["id"] for one in (await console.http.get("/api/events")).json()["events"]] == ["young"]


async def test_what_is_not_there_or_not_asked_rightly_is_said(console) -> None:
    assert (await console.http.get("/api/flows/unknown")).status_code == 404
    page = await console.http.get("/flows/unknown")
    assert page.status_code == 404
    assert "no such flow" in page.text
    for query in (
        "/api/events?after=x",
        "/api/events?limit=100000",
        "/api/flows?limit=-1",
        "/api/flows?before=x.y",
        "/api/flows?limit=0",
        "/api/flows?key=%00",
        "/api/flows?before=1.%00",
    ):
        answer = await console.http.get(query)
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_request"), query
        assert answer.json()["reason"], query
    assert (await console.http.get("/flows?before=1")).status_code == 400
    assert (await console.http.get("/api/flows/flow%00")).status_code == 404

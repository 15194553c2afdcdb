"""What happened to an event besides being emitted is in the index, once, whatever its records say.

Retries, redeliveries and dead letters come from the private topics of services, drops and endings without an answer
from the topic of outcomes, what operators did from the audit topic. Whoever may write to one may write anything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from farandole.engine.ports import Message
from farandole.metrics import Metrics
from farandole.operations.audit_record import Began, Ended, encoded
from farandole.operations.operation import Operation
from farandole.outcomes import DeliveryOutcome, OutcomeBatch, encode
from farandole.testing import Harness
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.promises.promises import Promises
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def private(message: Message, topic: str, **own: str) -> Message:
    headers = tuple((f"farandole_{name}", value.encode()) for name, value in own.items())
    return Message(topic=topic, key=message.key, value=message.value, headers=(*message.headers, *headers))


def outcomes(*kinds: str, service: str = "crm", event_id: str = "e-1", partition: int = 3, offset: int = 7) -> Message:
    told = [
        DeliveryOutcome(
            kind=kind,
            source="orders",
            event_id=event_id,
            flow_id="flow-1",
            type="OrderPlaced",
            topic="orders",
            partition=partition,
            offset=offset,
            attempt=1,
        )
        for kind in kinds
    ]
    value = encode(OutcomeBatch(service=service, outcomes=told))
    return Message(topic="_farandole.outcomes", key=None, value=value, headers=())


async def happened(console: Harness, query: str = "") -> list[dict]:
    return (await console.http.get(f"/api/happenings{query}")).json()["happenings"]


async def test_retries_redeliveries_and_dead_letters_are_told(console, told) -> None:
    event = told("e-1", flow="flow-1")
    origin = "orders|3|7"
    await console.deliver_record(event)
    await console.deliver_record(
        private(event, "payments.retry.1", attempt="1", due_after_ms="2000", origin=origin, error_class="Away")
    )
    await console.deliver_record(private(event, "payments.dlq", attempt="1", origin=origin, error_class="Away"))
    await console.deliver_record(
        private(event, "payments.redelivery", attempt="2", origin=origin, first_failed=origin, operation="op-1")
    )
    found = await happened(console)
    assert [(one["kind"], one["service"], one["attempt"]) for one in found] == [
        ("retry announced", "payments", 1),
        ("dead letter", "payments", 1),
        ("redriven", "payments", 2),
    ]
    assert [one["error"] for one in found] == ["Away", "Away", ""]
    assert {(one["id"], one["flow"], one["origin"]) for one in found} == {("e-1", "flow-1", "orders[3]@7")}
    assert found[0]["due"] == (datetime.fromisoformat(found[0]["at"]) + timedelta(seconds=2)).isoformat()
    assert found[2]["operation"] == "op-1"
    (flow,) = (await console.http.get("/api/flows")).json()["flows"]
    assert flow["events"] == 1, "only what lies on a domain topic is an event"


async def test_outcomes_are_told_each(console) -> None:
    await console.deliver_record(outcomes("handled", "dropped", "conflicting", "skipped"))
    assert [one["kind"] for one in await happened(console)] == ["handled", "duplicate dropped", "skipped"]
    assert {(one["service"], one["origin"]) for one in await happened(console)} == {("crm", "orders[3]@7")}
    assert len(await happened(console, "?id=e-1")) == 3
    assert await happened(console, "?id=e-2") == []


async def test_an_outcome_of_a_partition_that_no_database_can_keep_is_left_out(console) -> None:
    await console.deliver_record(outcomes("handled", partition=2**31))
    assert await happened(console) == []
    await console.deliver_record(outcomes("handled", partition=2**31 - 1))
    assert [one["origin"] for one in await happened(console)] == [f"orders[{2**31 - 1}]@7"]


async def test_a_batch_that_is_given_again_changes_nothing(database_url, told, unseeing) -> None:
    event = told("e-1", flow="flow-1")
    operation = Operation(id="op-1", kind="redrive", service="payments", who="ann@host", why="mended", at=AT)
    audit = [Began(operation="op-1", at=AT, begun=operation), Ended(operation="op-1", at=AT, result="done")]
    for _ in range(2):
        async with Harness(service, database_url=database_url, provide=unseeing) as console:
            await console.deliver_record(event)
            await console.deliver_record(private(event, "payments.retry.1", attempt="1"))
            await console.deliver_record(outcomes("dropped", "dropped"))
            for one in audit:
                await console.deliver_record(
                    Message(topic="_farandole.audit", key=None, value=encoded(one), headers=())
                )
            assert len(await happened(console)) == 3
            assert console.store is not None
            notes = await Index(console.store, Promises(console.store, Declarations(), Metrics("console"))).notes_of(
                "op-1"
            )
            assert [(one.kind, one.who, one.why) for one in notes] == [
                ("began", "ann@host", "mended"),
                ("ended", "", ""),
            ]


@pytest.mark.parametrize("far", ["99999999999999999999", "9223372036854775808"])
async def test_nothing_that_a_record_says_stops_the_index(console, told, far) -> None:
    event = told("e-1", flow="flow-1")
    await console.deliver_record(
        private(
            event,
            "payments.dlq",
            attempt=far,
            round=far,
            origin=f"t\x00{'t' * 10_000}|{far}|{far}",
            first_failed=f"x|{far}|{far}",
            error_class="E\x00" * 10_000,
            error_message="m\x00" * 10_000,
            handler="h\x00",
            operation="o\x00",
            due_after_ms=far,
        )
    )
    await console.deliver_record(private(event, "payments.retry.1", origin=f"orders|1|{far}", due_after_ms=far))
    await console.deliver_record(outcomes("dropped", service="s\x00", event_id="e\x00"))
    for topic in ("_farandole.audit", "_farandole.outcomes", "payments.dlq"):
        await console.deliver_record(Message(topic=topic, key=b"\xff", value=b"\x00\xff{", headers=()))
    await console.deliver_record(told("after", flow="after"))
    assert (await console.http.get("/api/flows/after")).status_code == 200
    assert {one["kind"] for one in await happened(console)} >= {"dead letter", "duplicate dropped"}


async def test_what_happened_is_forgotten_with_its_flow_and_when_it_is_old(database_url, told, unseeing) -> None:
    settings = ConsoleSettings(retention=timedelta(minutes=10))
    async with Harness(service, database_url=database_url, provide={**unseeing, ConsoleSettings: settings}) as console:
        await console.deliver_record(told("old", flow="old"))
        await console.deliver_record(private(told("old", flow="old"), "payments.retry.1", attempt="1"))
        await console.deliver_record(outcomes("dropped", event_id="never seen"))
        await console.advance(timedelta(minutes=6))
        await console.deliver_record(outcomes("dropped", event_id="young"))
        assert len(await happened(console)) == 3
        await console.advance(timedelta(minutes=6))
        assert [one["id"] for one in await happened(console)] == ["young"]

"""Faults are switched on for a system, strike as they were told, end when they should, and never harm the books."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest

NOTE = {"customer_id": "ALFKI", "order_id": "order-1", "template": "order_placed"}


async def notify(running: Any, key: str = "note-1") -> Any:
    return await running.post("/crm/notifications", NOTE, key=key)


async def notes(running: Any) -> int:
    return int((await running.get("/books/summary"))["counts"]["notifications"])


async def test_an_outage_answers_503_and_does_nothing(running: Any) -> None:
    await running.fault(system="crm", kind="outage")
    assert (await notify(running)).status_code == 503
    assert await notes(running) == 0


async def test_a_fault_of_one_system_leaves_the_others(running: Any) -> None:
    await running.fault(system="gateway", kind="outage")
    assert (await notify(running)).status_code == 201


async def test_a_fault_of_every_system_leaves_books_and_health(running: Any) -> None:
    await running.fault(system="*", kind="outage")
    assert (await notify(running)).status_code == 503
    assert (await running.client.get("/health/ready")).status_code == 200
    assert await notes(running) == 0


async def test_a_fault_ends_after_its_count(running: Any) -> None:
    await running.fault(system="crm", kind="error_ratio", count=2)
    assert [(await notify(running)).status_code for _ in range(3)] == [500, 500, 201]


async def test_a_fault_ends_at_its_time(running: Any) -> None:
    from datetime import timedelta

    await running.fault(system="crm", kind="outage", seconds=60)
    assert (await notify(running)).status_code == 503
    running.clock.offset = timedelta(seconds=60)
    assert (await notify(running)).status_code == 201


async def test_a_fault_ends_when_it_is_switched_off(running: Any) -> None:
    fault_id = await running.fault(system="crm", kind="outage")
    other = await running.fault(system="erp", kind="outage")
    assert (await running.client.delete(f"/faults/{fault_id}")).status_code == 200
    assert (await notify(running)).status_code == 201
    assert [one["fault_id"] for one in (await running.get("/faults"))["faults"]] == [other]
    assert (await running.client.delete(f"/faults/{fault_id}")).status_code == 404


async def test_a_share_of_the_calls_fails_and_the_same_ones_for_the_same_seed(running: Any) -> None:
    async def run() -> list[int]:
        fault_id = await running.fault(system="crm", kind="error_ratio", ratio=0.3, seed=7)
        statuses = [(await notify(running)).status_code for _ in range(100)]
        await running.client.delete(f"/faults/{fault_id}")
        return statuses

    first, second = await run(), await run()
    assert first == second
    assert 15 <= first.count(500) <= 45


async def test_a_lost_answer_is_a_closed_connection_and_done_work(running: Any) -> None:
    await running.fault(system="crm", kind="lost_answers", count=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        await notify(running)
    assert await notes(running) == 1
    again = await notify(running)
    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert await notes(running) == 1
    assert (await running.get("/books/summary"))["calls"]["crm"]["by_status"] == {"0": 1, "201": 1}


async def test_a_duplicated_call_does_the_work_once_and_shows_the_second_answer(running: Any) -> None:
    await running.fault(system="crm", kind="duplicate_answers", count=1)
    answer = await notify(running)
    assert (answer.status_code, answer.headers["idempotent-replay"]) == (201, "true")
    assert await notes(running) == 1


async def test_a_rate_limit_says_when_to_come_back(running: Any) -> None:
    await running.fault(system="crm", kind="rate_limit", per_second=0.001, retry_after_seconds=1.5)
    assert (await notify(running)).status_code == 201
    refused = await notify(running)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")


async def test_latency_makes_calls_slower(running: Any) -> None:
    await running.fault(system="crm", kind="latency", p50_ms=120, count=1)
    begun = time.monotonic()
    assert (await notify(running)).status_code == 201
    assert time.monotonic() - begun >= 0.12


async def test_faults_are_kept_over_a_restart_with_what_is_left_of_their_count(start: Any) -> None:
    async with start() as before:
        await before.fault(system="crm", kind="outage", count=2)
        assert (await notify(before)).status_code == 503
    async with start() as after:
        assert [(await notify(after)).status_code for _ in range(2)] == [503, 201]


@pytest.mark.parametrize(
    "fault",
    [
        {"system": "moon", "kind": "outage"},
        {"system": "crm", "kind": "gremlins"},
        {"system": "crm", "kind": "outage", "ratio": 2},
        {"system": "crm", "kind": "outage", "count": 0},
        {"system": "crm", "kind": "outage", "colour": "red"},
        {"system": "crm", "kind": "outage", "until": "2026-11-03T12:00:00"},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(running: Any, fault: dict[str, Any]) -> None:
    assert (await running.client.post("/faults", json=fault)).status_code == 400
    assert (await running.get("/faults"))["faults"] == []


async def test_faults_can_be_taken_away_by_the_settings(start: Any) -> None:
    async with start(sandbox_faults=False) as running:
        assert (await running.client.post("/faults", json={"system": "crm", "kind": "outage"})).status_code == 404


async def test_faults_are_switched_from_this_machine_only(running: Any) -> None:
    from farandole_sandbox.app import create_app

    app = create_app(running.sandbox)
    for host, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 403), ("localhost.evil", 403)):
        transport = httpx2.ASGITransport(app=app, client=(host, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            answer = await client.get("/faults", headers={"x-forwarded-for": "127.0.0.1"})
        assert answer.status_code == status

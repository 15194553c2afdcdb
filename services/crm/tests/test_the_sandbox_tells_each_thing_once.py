"""The whole service before the real sandbox over HTTP, which fails and loses answers; then its books are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from farandole.http.server import server
from farandole.testing import Harness
from farandole_crm.service import service
from farandole_events import CustomerNotified, OrderCancelled, OrderCompleted
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from pydantic import SecretStr

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ORDERS = [f"o-{number}" for number in range(16)]


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    settings = SandboxSettings(
        home=tmp_path, webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 4), sandbox_latency=timedelta(0)
    )
    async with open_sandbox(settings) as opened:
        serving = server(create_app(opened), host="127.0.0.1", port=0)
        running = asyncio.create_task(serving.serve())
        async with asyncio.timeout(10):
            while not serving.started:  # noqa: ASYNC110 - uvicorn tells of its start by a flag
                await asyncio.sleep(0.005)
        url = f"http://127.0.0.1:{serving.servers[0].sockets[0].getsockname()[1]}"
        monkeypatch.setenv("FARANDOLE_URL_SANDBOX", url)
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            yield client
        serving.stop()
        await running


async def test_the_crms_books_agree_although_it_fails_and_loses_answers(sandbox: httpx2.AsyncClient) -> None:
    for fault in ("error_ratio", "lost_answers"):
        body = {"system": "crm", "kind": fault, "ratio": 0.3, "seed": 3}
        assert (await sandbox.post("/faults", json=body)).status_code == 201
    async with Harness(service) as harness:
        for order in ORDERS[:8]:
            await harness.deliver(
                OrderCompleted(order_id=order, customer_id="VINET", total_cents=1, currency="USD", completed_at=NOON)
            )
        for order in ORDERS[8:]:
            await harness.deliver(
                OrderCancelled(order_id=order, customer_id="TOMSP", reason="no", cause="payment_declined")
            )
        await harness.advance(timedelta(hours=1))
        assert harness.dead_letters == []
        assert harness.retries != [], "the faults struck nobody"
        told = {one.order_id: one.notification_id for one in harness.events(CustomerNotified)}
        assert len(harness.events(CustomerNotified)) == len(ORDERS)
    effects = (await sandbox.get("/books/effects", params={"kind": "notification"})).json()["effects"]
    assert told == {effect["order_id"]: effect["id"] for effect in effects}
    assert (await sandbox.get("/books/doubles")).json() == {"doubles": []}

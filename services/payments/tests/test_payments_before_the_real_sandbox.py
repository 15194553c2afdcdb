"""The whole service, its own adapter and the sandbox over a socket: afterwards the gateway's books are looked into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole.http.server import server
from farandole.testing import Harness
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.payments import PaymentCaptured, PaymentRefunded, PaymentVoided
from farandole_events.shipments import ShipmentDispatched
from farandole_events.types import Address
from farandole_payments.service import service
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from pydantic import SecretStr

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ADDRESS = Address(name="Paul Henriot", street="59 rue de l'Abbaye", city="Reims", country="France")


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
        async with httpx2.AsyncClient(base_url=url) as client:
            yield client
        serving.stop()
        await running


def placed(order_id: str) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id,
        customer_id="VINET",
        reference=order_id,
        order_date=NOW,
        lines=(),
        total_cents=3000,
        currency="USD",
        ship_to=ADDRESS,
        carrier="c",
        payment_token="tok_good",
    )


def dispatched(order_id: str) -> ShipmentDispatched:
    return ShipmentDispatched(
        order_id=order_id, shipment_id="s", tracking_number="t", carrier="c", customer_id="VINET", dispatched_at=NOW
    )


def cancelled(order_id: str) -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="VINET", reason="no", cause="customer")


async def test_the_gateways_books_agree_although_it_fails_and_loses_answers(sandbox: httpx2.AsyncClient) -> None:
    for fault in ("error_ratio", "lost_answers"):
        body = {"system": "gateway", "kind": fault, "ratio": 0.25, "seed": 3}
        assert (await sandbox.post("/faults", json=body)).status_code == 201
    orders = [f"order-{n}" for n in range(12)]
    async with Harness(service) as harness:
        await harness.deliver(*(placed(order_id) for order_id in orders))
        await harness.deliver(*(dispatched(order_id) for order_id in orders[4:]))
        await harness.deliver(*(cancelled(order_id) for order_id in orders[:8]))
        await harness.advance(timedelta(hours=1))
        assert harness.dead_letters == []
        assert harness.retries != [], "the faults struck nobody"
        captured = {one.capture_id for one in harness.events(PaymentCaptured)}
        refunded = {one.refund_id for one in harness.events(PaymentRefunded)}
        voided = {one.hold_id for one in harness.events(PaymentVoided)}
    assert (await sandbox.get("/books/doubles")).json() == {"doubles": []}
    assert captured == await _effects(sandbox, "capture", "id")
    assert refunded == await _effects(sandbox, "refund", "id")
    assert voided == await _effects(sandbox, "void", "parent")
    assert len(voided) + len(refunded) == 8 - await _never_held(sandbox, orders[:8])
    assert len(captured) - len(refunded) == 4


async def _effects(sandbox: httpx2.AsyncClient, kind: str, field: str) -> set[Any]:
    page = (await sandbox.get("/books/effects", params={"kind": kind})).json()
    return {effect[field] for effect in page["effects"]}


async def _never_held(sandbox: httpx2.AsyncClient, orders: list[str]) -> int:
    held = await _effects(sandbox, "hold", "order_id")
    return len(set(orders) - held)

"""The real sandbox takes the purchase order over HTTP and announces the goods by its own signed webhook.

With the fault `duplicate_webhooks` it announces them twice, with `lost_answers` its answer never arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from farandole.http.server import server
from farandole.outside import outside_system
from farandole.testing import Harness, ManualClock
from farandole_events import GoodsReceived, PurchaseOrderSent, StockLow
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import Sandbox, open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from farandole_suppliers.portal import SupplierPortal
from farandole_suppliers.portal_http import HttpPortal
from farandole_suppliers.service import service
from farandole_suppliers.settings import SuppliersSettings
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET = SecretStr("a-secret-of-more-than-16-bytes")
LOW = StockLow(
    product_id="chai",
    product_name="Chai",
    supplier_id="1",
    available=3,
    reorder_level=10,
    wanted=120,
    shortage_id="shortage-1",
)


class Later:
    """An ASGI application whose address is known before it is there."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    running = server(app, host="127.0.0.1", port=0)
    task = asyncio.create_task(running.serve())
    async with asyncio.timeout(10):
        while not running.started:  # noqa: ASYNC110 - uvicorn sets no Event
            await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.stop(at_once=True)
        await task


@pytest.fixture
async def suppliers(tmp_path: Path) -> AsyncIterator[tuple[Harness, Sandbox, httpx2.AsyncClient]]:
    ours, theirs = Later(), Later()
    async with served(ours) as our_url, served(theirs) as their_url:
        settings = SandboxSettings(
            home=tmp_path,
            webhook_secret=SECRET,
            url_suppliers=our_url,
            sandbox_latency=timedelta(0),
            sandbox_supply_delay=timedelta(0),
            sandbox_delay_jitter=timedelta(0),
            sandbox_first_backoff=timedelta(milliseconds=20),
        )
        async with (
            open_sandbox(settings) as sandbox,
            outside_system("the supplier portal", their_url) as system,
            httpx2.AsyncClient(base_url=their_url, trust_env=False) as client,
            Harness(
                service,
                provide={
                    SupplierPortal: HttpPortal(system),
                    SuppliersSettings: SuppliersSettings(webhook_secret=SECRET),
                },
                clock=ManualClock(datetime.now(UTC)),
            ) as harness,
        ):
            ours.app, theirs.app = harness.runtime.http, create_app(sandbox)
            yield harness, sandbox, client


async def goods(harness: Harness) -> list[GoodsReceived]:
    async with asyncio.timeout(20):
        while not harness.events(GoodsReceived):
            await harness.settle()
    return harness.events(GoodsReceived)


async def books(client: httpx2.AsyncClient) -> dict[str, int]:
    answer = await client.get("/books/summary")
    return {**answer.json()["counts"], "acknowledged": answer.json()["webhooks"]["acknowledgements"]}


@pytest.mark.parametrize("fault", [None, "duplicate_webhooks", "lost_answers"])
async def test_a_shortage_ends_with_goods_once(
    suppliers: tuple[Harness, Sandbox, httpx2.AsyncClient], fault: str | None
) -> None:
    harness, _, client = suppliers
    if fault is not None:
        switched = await client.post("/faults", json={"system": "suppliers", "kind": fault, "count": 1})
        assert switched.status_code == 201
    await harness.deliver(LOW, flow="flow-1")
    await harness.advance(timedelta(seconds=30))

    (received,) = await goods(harness)
    (sent,) = harness.events(PurchaseOrderSent)
    assert (received.quantity, received.product_id, received.supplier_id) == (120, "chai", "1")
    assert received.purchase_order_id == sent.purchase_order_id
    wanted = 2 if fault == "duplicate_webhooks" else 1
    async with asyncio.timeout(20):
        while (await books(client))["acknowledged"] < wanted:
            await harness.settle()
    assert (await books(client))["purchase_orders"] == 1
    assert len(harness.events(GoodsReceived)) == 1

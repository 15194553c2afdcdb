"""The real sandbox takes the parcels over HTTP and tells of their end by its own signed webhook.

With the fault `duplicate_webhooks` it tells twice, with `lost_answers` its first answers never arrive, and its webhook
may come before we know of the shipment.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from farandole.http.server import server
from farandole.outside import outside_system
from farandole.testing import Harness, ManualClock
from farandole_events import (
    Address,
    OrderPacked,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
    StockLine,
)
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from farandole_shipping.carrier import Carriers
from farandole_shipping.carrier_http import HttpCarriers
from farandole_shipping.service import service
from farandole_shipping.settings import ShippingSettings
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET = SecretStr("a-secret-of-more-than-16-bytes")
ORDERS = [f"o-{number}" for number in range(8)]


def packed(order_id: str, name: str = "Toms Spezialitäten") -> OrderPacked:
    return OrderPacked(
        order_id=order_id,
        package_id=f"p-{order_id}",
        parcels=2,
        lines=(StockLine(product_id="11", quantity=12),),
        ship_to=Address(name=name, street="Luisenstr. 48", city="Münster", country="Germany"),
        carrier="Speedy Express",
        customer_id="TOMSP",
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
async def shipping(tmp_path: Path) -> AsyncIterator[tuple[Harness, httpx2.AsyncClient]]:
    ours, theirs = Later(), Later()
    async with served(ours) as our_url, served(theirs) as their_url:
        settings = SandboxSettings(
            home=tmp_path,
            webhook_secret=SECRET,
            url_shipping=our_url,
            sandbox_latency=timedelta(0),
            sandbox_delivery_delay=timedelta(0),
            sandbox_delay_jitter=timedelta(0),
            sandbox_first_backoff=timedelta(milliseconds=20),
            sandbox_longest_backoff=timedelta(milliseconds=100),
        )
        async with (
            open_sandbox(settings) as sandbox,
            outside_system("the carrier", their_url) as system,
            httpx2.AsyncClient(base_url=their_url, trust_env=False) as client,
            Harness(
                service,
                provide={Carriers: HttpCarriers(system), ShippingSettings: ShippingSettings(webhook_secret=SECRET)},
                clock=ManualClock(datetime.now(UTC)),
            ) as harness,
        ):
            ours.app, theirs.app = harness.runtime.http, create_app(sandbox)
            yield harness, client


@pytest.mark.parametrize("fault", [None, "duplicate_webhooks", "lost_answers", "error_ratio"])
async def test_every_order_leaves_once_and_ends_once(
    shipping: tuple[Harness, httpx2.AsyncClient], fault: str | None
) -> None:
    harness, client = shipping
    if fault is not None:
        switched = {"system": "carriers", "kind": fault, "ratio": 0.5, "seed": 1}
        assert (await client.post("/faults", json=switched)).status_code == 201
    await harness.deliver(*(packed(order) for order in ORDERS[:-1]), packed(ORDERS[-1], "RETURN to sender"))
    async with asyncio.timeout(20):
        while (await summary(client))["webhooks"]["pending"] or len(ends(harness)) < len(ORDERS):
            await harness.advance(timedelta(seconds=1))
    assert harness.dead_letters == []
    assert bool(harness.retries) == (fault in {"lost_answers", "error_ratio"}), "the faults struck nobody"
    assert Counter(one.order_id for one in harness.events(ShipmentDispatched)) == Counter(ORDERS)
    assert ends(harness) == Counter(ORDERS)
    assert [one.order_id for one in harness.events(ShipmentReturned)] == [ORDERS[-1]]
    assert (await client.get("/books/doubles")).json() == {"doubles": []}
    assert (await summary(client))["counts"]["shipments"] == len(ORDERS)


def ends(harness: Harness) -> Counter[str]:
    ended = [*harness.events(ShipmentDelivered), *harness.events(ShipmentReturned)]
    return Counter(one.order_id for one in ended)


async def summary(client: httpx2.AsyncClient) -> dict[str, dict[str, int]]:
    books: dict[str, dict[str, int]] = (await client.get("/books/summary")).json()
    return books

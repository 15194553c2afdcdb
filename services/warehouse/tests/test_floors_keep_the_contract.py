"""The fake floor and the HTTP adapter, before the real sandbox, keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole import Retry
from farandole.outside import OutsideAwayError, OutsideRefusedError, OutsideSystem
from farandole_events import Address, StockLine
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from farandole_warehouse.testing import FakeWarehouseSystem, WarehouseSystemContract
from farandole_warehouse.wms import Package, WarehouseSystem
from farandole_warehouse.wms_http import HttpWarehouseSystem
from pydantic import SecretStr

ADDRESS = Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country="France")


@pytest.fixture
async def sandbox_client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = SandboxSettings(
        home=tmp_path, webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 4), sandbox_latency=timedelta(0)
    )
    async with open_sandbox(settings) as sandbox:
        transport = httpx2.ASGITransport(create_app(sandbox), client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            yield client


@pytest.fixture
def over_http(sandbox_client: httpx2.AsyncClient) -> HttpWarehouseSystem:
    return HttpWarehouseSystem(OutsideSystem("the warehouse system", sandbox_client))


class TestTheFakeFloor(WarehouseSystemContract):
    @pytest.fixture
    async def wms(self) -> WarehouseSystem:
        return FakeWarehouseSystem()


class TestTheFloorOverHttp(WarehouseSystemContract):
    @pytest.fixture
    async def wms(self, over_http: HttpWarehouseSystem) -> WarehouseSystem:
        return over_http


async def pack(wms: WarehouseSystem, order_id: str = "order-1", carrier: str = "Federal Shipping") -> Package:
    lines = (StockLine(product_id="11", quantity=3),)
    return await wms.pack(order_id, lines, ADDRESS, carrier, idempotency_key=f"pack:{order_id}")


async def switch_on(client: httpx2.AsyncClient, kind: str, **fields: Any) -> None:
    answer = await client.post("/faults", json={"system": "wms", "kind": kind, **fields})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("kind", ["outage", "error_ratio"])
async def test_a_floor_that_fails_is_away(
    sandbox_client: httpx2.AsyncClient, over_http: HttpWarehouseSystem, kind: str
) -> None:
    await switch_on(sandbox_client, kind, count=1)
    with pytest.raises(OutsideAwayError):
        await pack(over_http)
    assert (await pack(over_http)).parcels == 1


async def test_a_floor_that_limits_says_when_to_ask_again(
    sandbox_client: httpx2.AsyncClient, over_http: HttpWarehouseSystem
) -> None:
    await switch_on(sandbox_client, "rate_limit", retry_after_seconds=3)
    with pytest.raises(Retry) as retry:
        await pack(over_http)
    assert retry.value.after == timedelta(seconds=3)


async def test_a_call_that_arrives_twice_packs_once(
    sandbox_client: httpx2.AsyncClient, over_http: HttpWarehouseSystem
) -> None:
    await switch_on(sandbox_client, "duplicate_answers")
    assert await pack(over_http) == await pack(over_http)
    assert (await sandbox_client.get("/books/doubles")).json() == {"doubles": []}


@pytest.mark.parametrize("name", ["../../gateway/holds", "a\x00b", "x" * 257, ""])
async def test_whatever_an_order_names_stays_within_the_body(over_http: HttpWarehouseSystem, name: str) -> None:
    try:
        packed = await pack(over_http, carrier=name)
    except OutsideRefusedError:
        return
    assert packed == await pack(over_http, carrier=name)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b'{"package_id": "p", "parcels": 0}', b'{"package_id": "", "parcels": 1}'],
    ids=["a page", "nothing", "no parcels", "no number"],
)
async def test_a_stranger_at_the_address_is_refused_in_words(body: bytes) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(201, content=body))
    async with httpx2.AsyncClient(transport=transport, base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError, match="something else than it should"):
            await pack(HttpWarehouseSystem(OutsideSystem("the warehouse system", client)))

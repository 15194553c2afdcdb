"""The fake portal and the HTTP adapter, before the real sandbox, keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from farandole import Retry
from farandole.outside import OutsideAwayError, OutsideRefusedError, OutsideSystem
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from farandole_suppliers.portal import SupplierPortal
from farandole_suppliers.portal_http import HttpPortal
from farandole_suppliers.testing import FakePortal, PortalContract
from pydantic import SecretStr


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
def over_http(sandbox_client: httpx2.AsyncClient) -> HttpPortal:
    return HttpPortal(OutsideSystem("the supplier portal", sandbox_client))


class TestTheFakePortal(PortalContract):
    @pytest.fixture
    async def portal(self) -> SupplierPortal:
        return FakePortal()


class TestThePortalOverHttp(PortalContract):
    @pytest.fixture
    async def portal(self, over_http: HttpPortal) -> SupplierPortal:
        return over_http


async def order(portal: SupplierPortal, supplier_id: str = "1") -> str:
    taken = await portal.order(supplier_id, "11", 5, shortage_id="shortage-1", idempotency_key="shortage-1")
    return taken.purchase_order_id


@pytest.mark.parametrize("kind", ["outage", "error_ratio"])
async def test_a_portal_that_fails_is_away(
    sandbox_client: httpx2.AsyncClient, over_http: HttpPortal, kind: str
) -> None:
    await sandbox_client.post("/faults", json={"system": "suppliers", "kind": kind})
    with pytest.raises(OutsideAwayError):
        await order(over_http)


async def test_a_portal_that_limits_says_when_to_ask_again(
    sandbox_client: httpx2.AsyncClient, over_http: HttpPortal
) -> None:
    fault = {"system": "suppliers", "kind": "rate_limit", "retry_after_seconds": 3}
    await sandbox_client.post("/faults", json=fault)
    with pytest.raises(Retry) as retry:
        await order(over_http)
    assert retry.value.after == timedelta(seconds=3)


@pytest.mark.parametrize("supplier_id", ["", ".", "..", "../gateway/holds?x=", "a/../b", "..\\gateway"])
async def test_a_supplier_id_that_leads_to_another_path_is_not_even_sent(supplier_id: str) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(201, json={"purchase_order_id": "po_1"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError):
            await order(HttpPortal(OutsideSystem("the supplier portal", client)), supplier_id)
    assert asked == []

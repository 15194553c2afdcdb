"""The fake and the HTTP adapter, before the real sandbox, keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole import Retry
from farandole.outside import OutsideAwayError, OutsideRefusedError, OutsideSystem
from farandole_erp.sales_ledger import Posting, SalesLedger, Stage
from farandole_erp.sales_ledger_http import HttpSalesLedger
from farandole_erp.testing import FakeSalesLedger, SalesLedgerContract
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
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
def over_http(sandbox_client: httpx2.AsyncClient) -> HttpSalesLedger:
    return HttpSalesLedger(OutsideSystem("the ERP", sandbox_client))


class TestTheFakeErp(SalesLedgerContract):
    @pytest.fixture
    async def erp(self) -> SalesLedger:
        return FakeSalesLedger()


class TestTheErpOverHttp(SalesLedgerContract):
    @pytest.fixture
    async def erp(self, over_http: HttpSalesLedger) -> SalesLedger:
        return over_http


async def ask(erp: SalesLedger, order_id: str = "order-1", **document: Any) -> Posting:
    return await erp.post(order_id, Stage.PLACED, document, idempotency_key=f"posting:{order_id}:placed")


async def switch_on(client: httpx2.AsyncClient, kind: str, **fields: Any) -> None:
    answer = await client.post("/faults", json={"system": "erp", "kind": kind, **fields})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("kind", ["outage", "error_ratio"])
async def test_one_that_fails_is_away(
    sandbox_client: httpx2.AsyncClient, over_http: HttpSalesLedger, kind: str
) -> None:
    await switch_on(sandbox_client, kind, count=1)
    with pytest.raises(OutsideAwayError):
        await ask(over_http)
    assert (await ask(over_http)).sales_order_id


async def test_one_that_limits_says_when_to_ask_again(
    sandbox_client: httpx2.AsyncClient, over_http: HttpSalesLedger
) -> None:
    await switch_on(sandbox_client, "rate_limit", retry_after_seconds=3)
    with pytest.raises(Retry) as retry:
        await ask(over_http)
    assert retry.value.after == timedelta(seconds=3)


async def test_a_call_that_arrives_twice_counts_once(
    sandbox_client: httpx2.AsyncClient, over_http: HttpSalesLedger
) -> None:
    await switch_on(sandbox_client, "duplicate_answers")
    assert await ask(over_http) == await ask(over_http)
    assert (await sandbox_client.get("/books/doubles")).json() == {"doubles": []}


@pytest.mark.parametrize("order_id", ["", "x" * 300])
async def test_an_order_without_a_usable_id_is_refused(over_http: HttpSalesLedger, order_id: str) -> None:
    with pytest.raises(OutsideRefusedError):
        await ask(over_http, order_id)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"sales_order_id": "", "posted_at": "2026-01-02T00:00:00Z"}',
        b'{"sales_order_id": "1", "posted_at": "2026-01-02T00:00:00"}',
    ],
    ids=["a page", "nothing", "no id", "a moment without a zone"],
)
async def test_a_stranger_at_the_address_is_refused_in_words(body: bytes) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(201, content=body))
    async with httpx2.AsyncClient(transport=transport, base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError, match="something else than it should"):
            await ask(HttpSalesLedger(OutsideSystem("the ERP", client)))

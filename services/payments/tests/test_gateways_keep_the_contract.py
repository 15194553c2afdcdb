"""The fake gateway and the HTTP adapter, before the real sandbox, keep one contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole import Retry
from farandole.outside import OutsideAwayError, OutsideRefusedError, OutsideSystem
from farandole_payments.gateway import Amount, HoldGone, PaymentGateway
from farandole_payments.gateway_http import HttpGateway, connect
from farandole_payments.settings import PaymentsSettings
from farandole_payments.testing import FakeGateway, GatewayContract
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from pydantic import SecretStr

TOTAL = Amount(cents=500, currency="USD")


class TestTheFakeGateway(GatewayContract):
    @pytest.fixture
    async def gateway(self) -> PaymentGateway:
        return FakeGateway()


class TestTheGatewayOverHttp(GatewayContract):
    @pytest.fixture
    async def gateway(self, sandbox_client: httpx2.AsyncClient) -> PaymentGateway:
        return _gateway(sandbox_client)


@pytest.fixture
async def sandbox_client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = SandboxSettings(
        home=tmp_path, webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 4), sandbox_latency=timedelta(0)
    )
    async with open_sandbox(settings) as sandbox:
        transport = httpx2.ASGITransport(create_app(sandbox), client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            yield client


def _gateway(client: httpx2.AsyncClient) -> HttpGateway:
    return HttpGateway(OutsideSystem("the payment gateway", client))


async def _switch_on(client: httpx2.AsyncClient, kind: str, **fields: Any) -> None:
    answer = await client.post("/faults", json={"system": "gateway", "kind": kind, **fields})
    assert answer.status_code == 201, answer.text


async def _hold(client: httpx2.AsyncClient, key: str = "k") -> str:
    held = await _gateway(client).hold("order-1", TOTAL, "tok_good", idempotency_key=key)
    return held.hold_id


@pytest.mark.parametrize("kind", ["outage", "error_ratio"])
async def test_a_gateway_that_fails_is_unavailable(sandbox_client: httpx2.AsyncClient, kind: str) -> None:
    await _switch_on(sandbox_client, kind)
    with pytest.raises(OutsideAwayError):
        await _hold(sandbox_client)


async def test_a_gateway_that_limits_says_when_to_ask_again(sandbox_client: httpx2.AsyncClient) -> None:
    await _switch_on(sandbox_client, "rate_limit", retry_after_seconds=3)
    with pytest.raises(Retry) as retry:
        await _hold(sandbox_client)
    assert retry.value.after == timedelta(seconds=3)


async def test_a_key_that_came_with_another_body_is_refused(sandbox_client: httpx2.AsyncClient) -> None:
    await _hold(sandbox_client)
    with pytest.raises(OutsideRefusedError, match="key_reused"):
        await _gateway(sandbox_client).hold("order-2", TOTAL, "tok_good", idempotency_key="k")


async def test_a_hold_that_ran_out_is_gone(tmp_path: Path) -> None:
    settings = SandboxSettings(
        home=tmp_path,
        webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 4),
        sandbox_latency=timedelta(0),
        sandbox_hold_lifetime=timedelta(0),
    )
    async with open_sandbox(settings) as sandbox:
        transport = httpx2.ASGITransport(create_app(sandbox), client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            with pytest.raises(HoldGone):
                await _gateway(client).capture(await _hold(client), TOTAL, idempotency_key="c")


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"), httpx2.RemoteProtocolError("closed")]
)
async def test_a_gateway_that_does_not_answer_is_unavailable(error: Exception) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(fail), base_url="http://nowhere") as client:
        with pytest.raises(OutsideAwayError):
            await _hold(client)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b"[]"])
async def test_a_stranger_at_the_address_is_refused_in_words(body: bytes) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    async with httpx2.AsyncClient(transport=transport, base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError, match="something else than it should"):
            await _hold(client)


@pytest.mark.parametrize("header", ["soon", "-1", "nan", ""])
async def test_a_rate_limit_without_a_time_leaves_it_to_the_policy(header: str) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(429, headers={"retry-after": header}))
    async with httpx2.AsyncClient(transport=transport, base_url="http://nowhere") as client:
        with pytest.raises(Retry) as retry:
            await _hold(client)
    assert retry.value.after is None


async def test_a_silent_gateway_is_given_up_after_the_time_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("FARANDOLE_URL_SANDBOX", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("FARANDOLE_PAYMENTS_ANSWER_WITHIN", "PT0.05S")
    async with connect(PaymentsSettings()) as gateway:
        with pytest.raises(OutsideAwayError) as away:
            await gateway.void("hold", idempotency_key="k")
    assert "ReadTimeout" in away.value.why
    for connection in connections:
        connection.close()
    server.close()

"""A sandbox on a real uvicorn on loopback, and a service that its webhooks reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from farandole.webhooks import verify
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import Sandbox, open_sandbox
from farandole_sandbox.settings import Settings
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET = "a-secret-for-the-tests-long-enough"


class ShiftedClock:
    """The machine's clock, moved on by hand."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


@dataclass
class Received:
    """A webhook as it arrived, its signature checked."""

    path: str
    sender_id: str
    body: bytes


@dataclass
class Receiver:
    """A service's webhook endpoint: it answers ``answers`` first, then 204 for ever."""

    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        sender_id = verify(headers, body, secrets=[SECRET.encode()], now=datetime.now(UTC))
        self.received.append(Received(path=scope["path"], sender_id=sender_id, body=body))
        status = self.answers.pop(0) if self.answers else 204
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Running:
    """A sandbox that is being served."""

    client: httpx2.AsyncClient
    sandbox: Sandbox
    clock: ShiftedClock

    async def post(self, path: str, body: Any = None, *, key: str = "key-1") -> httpx2.Response:
        return await self.client.post(path, json=body or {}, headers={"idempotency-key": key})

    async def get(self, path: str) -> Any:
        response = await self.client.get(path)
        response.raise_for_status()
        return response.json()

    async def fault(self, **fields: Any) -> str:
        response = await self.client.post("/faults", json=fields)
        assert response.status_code == 201, response.text
        return str(response.json()["fault_id"])

    async def hold(self, order_id: str = "order-1", *, token: str = "tok_good", cents: int = 1000) -> str:
        body = {"order_id": order_id, "amount_cents": cents, "currency": "USD", "payment_token": token}
        response = await self.post("/gateway/holds", body, key=f"hold-{order_id}")
        assert response.status_code == 201, response.text
        return str(response.json()["hold_id"])


Start = Callable[..., AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    # Started and stopped by hand: its main loop looks only every 0.1 s whether it should end.
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


async def eventually(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Return when the condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


@pytest.fixture(name="eventually")
def waiting() -> Callable[..., Awaitable[None]]:
    return eventually


@pytest.fixture(name="served")
def serving() -> Callable[[ASGIApp], AbstractAsyncContextManager[str]]:
    return served


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    service = Receiver()
    async with served(service) as url:
        service.url = url
        yield service


@pytest.fixture
def start(tmp_path: Path, receiver: Receiver) -> Start:
    """Start a sandbox on the books of this test; start it again and it finds what it kept."""

    @asynccontextmanager
    async def started(**given: Any) -> AsyncGenerator[Running]:
        quick = timedelta(milliseconds=1)
        settings = Settings(
            **{
                "home": tmp_path,
                "webhook_secret": SecretStr(SECRET),
                "url_shipping": receiver.url,
                "url_suppliers": receiver.url,
                "sandbox_latency": timedelta(0),
                "sandbox_delivery_delay": quick,
                "sandbox_supply_delay": quick,
                "sandbox_delay_jitter": timedelta(0),
                "sandbox_first_backoff": quick,
                "sandbox_longest_backoff": timedelta(milliseconds=20),
                **given,
            }
        )
        clock = ShiftedClock()
        async with (
            open_sandbox(settings, clock) as sandbox,
            served(create_app(sandbox)) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10) as client,
        ):
            yield Running(client=client, sandbox=sandbox, clock=clock)

    return started


@pytest.fixture
async def running(start: Start) -> AsyncIterator[Running]:
    async with start() as one:
        yield one

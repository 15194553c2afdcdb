"""A sandbox that is killed while it works comes back with everything that it acknowledged, and nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

SECRET = "a-secret-for-the-tests-long-enough"
ORDERS = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(home: Path, eventually: Any, **settings: str) -> AsyncGenerator[tuple[Any, httpx2.AsyncClient]]:
    port = free_port()
    environment = os.environ | {
        "FARANDOLE_HOME": str(home),
        "FARANDOLE_WEBHOOK_SECRET": SECRET,
        "FARANDOLE_HTTP_PORT": str(port),
        "FARANDOLE_SANDBOX_LATENCY": "0",
        "FARANDOLE_SANDBOX_DELIVERY_DELAY": "0",
        **settings,
    }
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "farandole_sandbox", env=environment)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:

            async def is_ready() -> bool:
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx2.ConnectError:
                    return False

            await eventually(is_ready, 30)
            yield child, client
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await child.wait()


async def ship(client: httpx2.AsyncClient, n: int, answers: dict[int, Any]) -> None:
    body = {"order_id": f"order-{n}", "package_id": f"pkg-{n}", "ship_to": {"name": "A"}, "parcels": 1}
    try:
        response = await client.post("/carriers/UPS/shipments", json=body, headers={"idempotency-key": f"key-{n}"})
    except httpx2.TransportError:
        return
    assert response.status_code == 201
    answers[n] = response.json()


async def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(
    tmp_path: Path, receiver: Any, eventually: Any
) -> None:
    acknowledged: dict[int, Any] = {}
    async with process(tmp_path, eventually) as (child, client):
        calls = [asyncio.create_task(ship(client, n, acknowledged)) for n in range(ORDERS)]
        await eventually(lambda: len(acknowledged) > ORDERS // 4, 60)
        child.send_signal(signal.SIGKILL)
        await asyncio.gather(*calls)
    assert len(acknowledged) < ORDERS, "the kill came too late to mean anything"

    again: dict[int, Any] = {}
    async with process(tmp_path, eventually, FARANDOLE_URL_SHIPPING=receiver.url) as (_, client):
        kept = {one["order_id"] for one in (await client.get("/books?limit=5000")).json()["orders"]}
        assert kept >= {f"order-{n}" for n in acknowledged}
        for n in range(ORDERS):
            await ship(client, n, again)
        assert len(again) == ORDERS
        assert {n: again[n] for n in acknowledged} == acknowledged
        summary = (await client.get("/books/summary")).json()
        assert summary["counts"]["shipments"] == ORDERS
        assert summary["doubles"]["shipments"] == 0
        await eventually(lambda: len({one.sender_id for one in receiver.received}) == ORDERS, 60)


async def test_without_a_secret_the_process_says_what_to_do_and_ends(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FARANDOLE_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "farandole_sandbox",
        env=environment | {"FARANDOLE_HOME": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await child.communicate()
    assert child.returncode == 1
    assert b"FARANDOLE_WEBHOOK_SECRET" in stderr
    assert b"Traceback" not in stderr

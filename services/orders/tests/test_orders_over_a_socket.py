"""The order service behind its real HTTP server: bodies in chunks, clients that go away, and a crowd."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from farandole.http.server import server
from farandole.testing import Harness
from farandole_events import OrderPlaced
from farandole_orders.service import service
from farandole_orders.settings import OrdersSettings


@asynccontextmanager
async def _served(harness: Harness) -> AsyncIterator[int]:
    # The protocol is named, as asyncio switches Nagle off for TCP only where it can see that it is TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        http = server(harness.runtime.http, host="127.0.0.1", port=0)
        serving = asyncio.create_task(http.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(10):
                while not http.started:  # noqa: ASYNC110 - uvicorn tells it by an attribute only
                    await asyncio.sleep(0)
            yield int(listening.getsockname()[1])
        finally:
            http.stop()
            await serving


async def _raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


def _chunked(content: bytes, *, piece: int, ends: bool = True) -> bytes:
    head = b"POST /orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: raw\r\nContent-Type: application/json\r\n"
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + (b"0\r\n\r\n" if ends else b"")


async def test_a_chunked_order_is_accepted_and_an_endless_one_is_cut_off(body: Mapping[str, Any]):
    settings = OrdersSettings(body_limit=20_000)
    async with Harness(service, provide={OrdersSettings: settings}) as harness, _served(harness) as port:
        order = await _raw(port, _chunked(json.dumps(body).encode(), piece=100))
        endless = await _raw(port, _chunked(b" " * 30_000, piece=1000, ends=False))
        assert order.startswith(b"HTTP/1.1 202 ")
        assert endless.startswith(b"HTTP/1.1 413 ")
        assert b"application/problem+json" in endless


async def test_a_crowd_of_orders_is_accepted_without_a_5xx_each_once(body: Mapping[str, Any]):
    async with Harness(service) as harness, _served(harness) as port:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:

            async def place(number: int) -> httpx2.Response:
                # Every order is sent three times at once.
                headers = {"Idempotency-Key": f"crowd-{number // 3}"}
                return await client.post("/orders", json=dict(body), headers=headers)

            answers = await asyncio.gather(*(place(number) for number in range(300)))
        await harness.settle()
        assert {answer.status_code for answer in answers} <= {202, 409}
        assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 202}) == 100
        assert len(harness.events(OrderPlaced)) == 100


async def test_a_client_that_goes_away_amid_its_body_leaves_nothing_behind(body: Mapping[str, Any]):
    async with Harness(service) as harness, _served(harness) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_chunked(json.dumps(body).encode(), piece=100, ends=False))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer = await client.post("/orders", json=dict(body), headers={"Idempotency-Key": "raw"})
            summary = (await client.get("/orders/summary")).json()
        assert answer.status_code == 202
        assert summary["total"] == 1

"""A request is bounded in size, in time and in number; what is over is refused, and never by a 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from farandole.testing import Harness
from farandole_orders.body_limit import BodyLimit
from farandole_orders.rate_limit import Bucket, Rate, taken
from farandole_orders.service import service
from farandole_orders.settings import OrdersSettings
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _limited(**settings: Any) -> Harness:
    return Harness(service, provide={OrdersSettings: OrdersSettings(**settings)})


async def _pieces(size: int, piece: int = 1000) -> AsyncIterator[bytes]:
    for _ in range(0, size, piece):
        yield b" " * piece


async def test_a_body_that_says_that_it_is_too_long_is_refused():
    async with _limited(body_limit=5_000) as harness:
        answer = await harness.http.post("/orders", content=b" " * 5_001, headers={"Idempotency-Key": "a"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_chunked_body_is_held_to_the_same_size():
    async with _limited(body_limit=5_000) as harness:
        long = await harness.http.post("/orders", content=_pieces(6_000), headers={"Idempotency-Key": "a"})
        short = await harness.http.post("/orders", content=_pieces(5_000), headers={"Idempotency-Key": "a"})
        assert (long.status_code, short.status_code) == (413, 422)


async def test_a_body_within_the_limit_that_comes_in_pieces_is_an_order_like_any_other(body: dict[str, Any]):
    whole = httpx2.Request("POST", "http://shop", json=body).content

    async def piecewise() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 7):
            yield whole[start : start + 7]

    async with _limited() as harness:
        headers = {"Idempotency-Key": "a", "Content-Type": "application/json"}
        assert (await harness.http.post("/orders", content=piecewise(), headers=headers)).status_code == 202


@pytest.mark.parametrize("length", [b"99999", b"9" * 400, "²".encode(), b"-1", b"x"])
async def test_a_length_that_lies_or_is_none_does_no_harm(length: bytes):
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(await receive())

    async def receive() -> Message:
        return {"type": "http.request", "body": b"short", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", length)]}
    await BodyLimit(app, limit=10, timeout=timedelta(seconds=5))(scope, receive, send)
    assert sent[0].get("body") == b"short" or sent[0].get("status") == 413


async def test_a_body_that_does_not_come_is_not_waited_for():
    async def never() -> Message:
        return await asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the request has no body yet")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": []}
    await BodyLimit(app, limit=10, timeout=timedelta(milliseconds=1))(scope, never, send)
    assert sent[0]["status"] == 408


async def test_above_its_rate_a_client_is_told_when_to_come_again(body: dict[str, Any]):
    async with _limited(rate_per_second=0.5, burst=3) as harness:
        statuses = []
        for number in range(4):
            answer = await harness.http.post("/orders", json=body, headers={"Idempotency-Key": f"{number}"})
            statuses.append(answer.status_code)
        assert statuses == [202, 202, 202, 429]
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "application/problem+json"
        harness.clock.move_to(harness.clock.now() + timedelta(seconds=2))
        assert (await harness.http.get("/orders/summary")).status_code == 200
        assert (await harness.http.get("/orders/summary")).status_code == 429


async def test_a_known_key_has_a_bucket_of_its_own_and_an_invented_one_has_none():
    async with _limited(rate_per_second=0.5, burst=1, client_keys=("known",)) as harness:
        told = [
            (await harness.http.get("/orders/summary", headers=headers)).status_code
            for headers in ({}, {"X-Api-Key": "known"}, {"X-Api-Key": "invented"}, {"X-Forwarded-For": "192.0.2.1"})
        ]
        assert told == [200, 200, 429, 429]


@pytest.mark.parametrize(("written", "meant"), [("15", 15), ("0.5", 0.5), ("PT1M", 60)])
def test_durations_are_written_in_seconds_or_as_iso_8601(monkeypatch: pytest.MonkeyPatch, written: str, meant: float):
    monkeypatch.setenv("FARANDOLE_ORDERS_BODY_TIMEOUT", written)
    assert OrdersSettings().body_timeout == timedelta(seconds=meant)


async def test_health_is_not_rationed():
    async with _limited(rate_per_second=0.5, burst=1) as harness:
        assert [(await harness.http.get("/health/live")).status_code for _ in range(5)] == [200] * 5


@given(
    waits=st.lists(st.timedeltas(timedelta(seconds=-2), timedelta(seconds=5)), max_size=40),
    per_second=st.floats(0.1, 1000),
    burst=st.integers(1, 50),
)
def test_a_client_never_gets_more_than_its_burst_and_its_rate(waits: list[timedelta], per_second: float, burst: int):
    rate = Rate(per_second=per_second, burst=burst)
    bucket, now, latest, let_in = Bucket(tokens=burst, filled=NOON), NOON, NOON, 0
    ran_backwards = 0.0
    for wait in waits:
        ran_backwards += max(0.0, -wait.total_seconds())
        now += wait
        latest = max(latest, now)
        bucket, told = taken(bucket, rate, now)
        let_in += not told
        assert 0 <= bucket.tokens <= burst
    passed = (latest - NOON).total_seconds() + ran_backwards
    assert let_in <= burst + passed * per_second + 1e-6


@given(per_second=st.floats(0.1, 1000), tokens=st.floats(0, 0.99))
def test_whoever_waits_as_long_as_he_is_told_is_let_in(per_second: float, tokens: float):
    rate = Rate(per_second=per_second, burst=5)
    bucket, wait = taken(Bucket(tokens=tokens, filled=NOON), rate, NOON)
    assert wait > timedelta(0)
    _, again = taken(bucket, rate, NOON + wait + timedelta(microseconds=10))
    assert again == timedelta(0)

"""A webhook's message is believed and read, or refused in words; nothing that is sent makes the service fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest
from farandole.clock import SystemClock
from farandole.http.refusal import REFUSALS, RequestRefusedError
from farandole.http.signed_message import MOST_BYTES, Id, Words, read_signed
from farandole.webhooks import sign
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = b"a-secret-of-more-than-16-bytes"


class Parcel(msgspec.Struct, frozen=True):
    id: Id
    note: Words = ""


async def take(request: Request) -> Response:
    message = await read_signed(request, Parcel, secrets=[SECRET], clock=SystemClock())
    return JSONResponse({"sender_id": message.sender_id, "id": message.said.id, "note": message.said.note})


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=[Route("/", take, methods=["POST"])], exception_handlers=REFUSALS)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service") as client:
        yield client


async def send(
    http: httpx2.AsyncClient, body: bytes, *, secret: bytes = SECRET, age: timedelta = timedelta(0)
) -> httpx2.Response:
    headers = sign(body, secret=secret, id="wh-1", at=datetime.now(UTC) - age)
    return await http.post("/", content=body, headers=headers)


async def test_a_signed_message_is_read(http: httpx2.AsyncClient):
    answer = await send(http, b'{"id": "p-1", "note": "heavy"}')
    assert (answer.status_code, answer.json()) == (200, {"sender_id": "wh-1", "id": "p-1", "note": "heavy"})


async def test_what_nobody_signed_is_not_even_parsed(http: httpx2.AsyncClient):
    for answer in (await http.post("/", content=b"["), await send(http, b"[", secret=b"another secret, long enough")):
        assert (answer.status_code, answer.json()["error"]) == (401, "not_believed")
        assert answer.json()["reason"]


async def test_what_was_signed_long_ago_is_refused(http: httpx2.AsyncClient):
    answer = await send(http, b'{"id": "p-1"}', age=timedelta(minutes=6))
    assert (answer.status_code, answer.json()["reason"]) == (401, "too old")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'"\xff"',
        b'{"id": "\\ud800"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"x": ' + b"[" * 60_000 + b"]" * 2,
        b'{"x": ' * 9_000,
        b'{"x": 1e999}',
        b'{"id": "p\\u0000"}',
        b'{"id": "p", "note": "\\u0000"}',
        b'{"id": ""}',
        b'{"id": "' + b"p" * 257 + b'"}',
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_a_signed_message_that_makes_no_sense_is_refused_in_words(http: httpx2.AsyncClient, body: bytes):
    answer = await send(http, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["reason"]


async def test_a_message_has_its_largest_size(http: httpx2.AsyncClient):
    largest = b'{"id": "p-1"}'.ljust(MOST_BYTES)
    assert (await send(http, largest)).status_code == 200
    answer = await send(http, largest + b" ")
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"


async def test_an_application_that_forgot_the_handler_refuses_all_the_same():
    async def refuse(_: Request) -> Response:
        raise RequestRefusedError("no such page")

    app = Starlette(routes=[Route("/", refuse)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.text) == (400, "no such page")

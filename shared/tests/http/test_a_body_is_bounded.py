"""A body is read up to a size and within a time, whatever its header says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

import pytest
from farandole.http.body import BodyTooLongError, BodyTooSlowError, ClientGoneError, read_body
from starlette.requests import Request
from starlette.types import Message

MOST = 10


class Sender:
    """Sends a body in pieces; counts how many of them were taken. After the last it is silent, or gone."""

    def __init__(self, *pieces: bytes, ends: bool = True, goes: bool = False) -> None:
        self._messages = self._of(pieces, ends=ends, goes=goes)
        self.taken = 0

    async def receive(self) -> Message:
        self.taken += 1
        return await anext(self._messages)

    async def _of(self, pieces: Iterable[bytes], *, ends: bool, goes: bool) -> AsyncIterator[Message]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": True}
        if goes:
            yield {"type": "http.disconnect"}
        if ends:
            yield {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.get_running_loop().create_future()


async def read(sender: Sender, length: bytes | None = None, within: timedelta = timedelta(seconds=30)) -> bytes:
    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "method": "POST", "headers": headers}
    return await read_body(Request(scope, sender.receive), most=MOST, within=within)


async def test_a_body_of_the_largest_size_is_read_whole():
    assert await read(Sender(b"01234", b"", b"56789")) == b"0123456789"
    assert await read(Sender()) == b""


async def test_a_body_is_not_read_further_than_its_limit():
    sender = Sender(*[b"x" * 4] * 1_000)
    with pytest.raises(BodyTooLongError) as refused:
        await read(sender)
    assert sender.taken == 3
    assert (refused.value.status_code, refused.value.error) == (413, "too_large")
    assert refused.value.reason == "a body has 10 bytes at most"
    assert refused.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("length", [b"11", b"0000000000000000000000011", b"9" * 5_000])
async def test_a_header_that_says_too_much_is_believed(length: bytes):
    sender = Sender(b"short")
    with pytest.raises(BodyTooLongError):
        await read(sender, length)
    assert sender.taken == 0


@pytest.mark.parametrize("length", [b"2", b"-1", b"x", b"", "²".encode("latin-1"), b"0" * 5_000])
async def test_a_header_that_lies_or_says_nothing_is_not(length: bytes):
    assert await read(Sender(b"0123456789"), length) == b"0123456789"
    with pytest.raises(BodyTooLongError):
        await read(Sender(b"0123456789+"), length)


async def test_a_body_that_does_not_come_is_not_waited_for():
    with pytest.raises(BodyTooSlowError) as refused:
        await read(Sender(b"01234", ends=False), within=timedelta(milliseconds=20))
    assert (refused.value.status_code, refused.value.error) == (408, "too_slow")
    assert refused.value.reason == "a body has to come within 0.02 s"


async def test_a_client_that_hangs_up_is_no_fault_of_the_service():
    with pytest.raises(ClientGoneError) as refused:
        await read(Sender(b"01234", goes=True))
    assert refused.value.status_code == 400

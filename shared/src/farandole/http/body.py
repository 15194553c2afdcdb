"""Body: the bytes of a request, read up to a size and within a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from starlette.requests import ClientDisconnect, Request

from farandole.http.refusal import RequestRefusedError

_MOST_DIGITS: Final = 18
# What is left of the body would be taken for the next request: the connection ends with the refusal.
_CLOSE: Final = {"Connection": "close"}


class BodyTooLongError(RequestRefusedError):
    """The body is longer than is read (413)."""

    def __init__(self, most: int) -> None:
        super().__init__(f"a body has {most} bytes at most", status=413, error="too_large", headers=_CLOSE)


class BodyTooSlowError(RequestRefusedError):
    """The body did not come in time (408)."""

    def __init__(self, within: timedelta) -> None:
        reason = f"a body has to come within {within.total_seconds():g} s"
        super().__init__(reason, status=408, error="too_slow", headers=_CLOSE)


class ClientGoneError(RequestRefusedError):
    """The client went before its body had come: there is nobody to answer."""

    def __init__(self) -> None:
        super().__init__("the body ended early", error="client_gone")


async def read_body(request: Request, *, most: int, within: timedelta) -> bytes:
    """Return the body of a request. The bytes are counted as they come: whatever the header says, no more is read.

    Args:
        request: a request whose body nobody has read yet.
        most: how many bytes it may have.
        within: how long all of it may take to come.

    Raises:
        BodyTooLongError: it has more, or its header says that it will have.
        BodyTooSlowError: it was not all there in time.
        ClientGoneError: the connection ended first.
    """
    if _says_more(request.headers.get("content-length", ""), most):
        raise BodyTooLongError(most)
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _counted(request, most)
    except TimeoutError:
        raise BodyTooSlowError(within) from None
    except ClientDisconnect:
        raise ClientGoneError from None


async def _counted(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLongError(most)
    return bytes(body)


def _says_more(told: str, most: int) -> bool:
    """Tell whether a Content-Length is a number above ``most``; one that is no number says nothing."""
    if not (told.isascii() and told.isdigit()):
        return False
    digits = told.lstrip("0") or "0"
    return len(digits) > _MOST_DIGITS or int(digits) > most

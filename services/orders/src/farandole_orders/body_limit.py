"""Body limit: reads the body of a request before anything else does, up to a size and within a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole.http.body import BodyTooLongError, BodyTooSlowError, ClientGoneError, read_body
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farandole_orders.refusal import Refusal

_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class BodyLimit:
    """The ASGI middleware: 413 for a body that is too long, 408 for one that does not come.

    The bytes are counted as they arrive, so a chunked body, or a Content-Length that lies, is held to the same size.
    """

    def __init__(self, app: ASGIApp, *, limit: int, timeout: timedelta) -> None:
        self._app = app
        self._limit = limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its whole body, or refuse it."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(Request(scope, receive), most=self._limit, within=self._timeout)
        except BodyTooSlowError:
            await _too_slow(self._timeout).response()(scope, receive, send)
        except BodyTooLongError:
            await _too_long(self._limit).response()(scope, receive, send)
        except ClientGoneError:
            return
        else:
            await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _too_long(limit: int) -> Refusal:
    return Refusal(
        "the body is too long",
        status=413,
        kind="body-too-long",
        why=f"a request has at most {limit} bytes",
        do="split the order",
        headers={"Connection": "close"},
    )


def _too_slow(timeout: timedelta) -> Refusal:
    return Refusal(
        "the body did not come",
        status=408,
        kind="body-too-slow",
        why=f"a client has {timeout.total_seconds():g} s to send it",
        do="send it again; under the same Idempotency-Key it can do no harm",
        headers={"Connection": "close"},
    )

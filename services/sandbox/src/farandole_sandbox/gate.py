"""Gate: what every call to a system passes: its faults, its latency, and the count of calls."""

from __future__ import annotations

import asyncio
import contextlib
import math
from datetime import timedelta
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farandole_sandbox.answer import refused
from farandole_sandbox.calls import NO_ANSWER
from farandole_sandbox.desk import STRUCK
from farandole_sandbox.faults import FaultKind, Struck, System
from farandole_sandbox.sandbox import Sandbox

_SYSTEMS: Final = {system.value: system for system in System if system is not System.ALL}
_PATHS: Final = {f"/{name}/": system for name, system in _SYSTEMS.items()}


class Gate:
    """An ASGI middleware; what is not a system (books, faults, health) passes untouched."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the call through, refuse it, or lose its answer, as the faults say."""
        system = _system_of(scope)
        if system is None:
            await self._app(scope, receive, send)
            return
        struck = self._sandbox.switchboard.strike(system)
        refusal = _refusal(struck)
        if refusal is not None:
            self._sandbox.calls.count(system, refusal[0])
            await _refuse(send, refusal, retry_after=struck.retry_after)
            return
        await self._wait(struck.delay)
        scope[STRUCK] = struck
        if FaultKind.DUPLICATE_ANSWERS in struck.kinds:
            # The call arrives twice, as through a proxy that tries again; the caller gets the second answer.
            first = await _repeatable(receive)
            await self._app({**scope}, first, _into_the_void)
            receive = first.again()
        if FaultKind.LOST_ANSWERS in struck.kinds:
            await self._app(scope, receive, _into_the_void)
            self._sandbox.calls.count(system, NO_ANSWER)
            await _hang_up(send)
            return
        await self._app(scope, receive, self._counted(system, send))

    def _counted(self, system: System, send: Send) -> Send:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._sandbox.calls.count(system, message["status"])
            await send(message)

        return counting

    async def _wait(self, extra: timedelta) -> None:
        delay = (self._sandbox.settings.sandbox_latency + extra).total_seconds()
        if delay > 0:
            await asyncio.sleep(delay)


class _Repeatable:
    """A request's body that can be received more than once."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._kept = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    def again(self) -> _Repeatable:
        return _Repeatable(self._kept, self._receive)


async def _repeatable(receive: Receive) -> _Repeatable:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    return _Repeatable(bytes(body), receive)


def _system_of(scope: Scope) -> System | None:
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    return _PATHS.get(path[: path.find("/", 1) + 1])


def _refusal(struck: Struck) -> tuple[int, str, str] | None:
    if FaultKind.OUTAGE in struck.kinds:
        return 503, "outage", "the system is down"
    if FaultKind.RATE_LIMIT in struck.kinds:
        return 429, "rate_limited", "too many calls"
    if FaultKind.ERROR_RATIO in struck.kinds:
        return 500, "internal_error", "the system failed before it did anything"
    return None


async def _refuse(send: Send, refusal: tuple[int, str, str], *, retry_after: float) -> None:
    status, error, reason = refusal
    body = refused(status, error, reason).body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", str(math.ceil(retry_after)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _into_the_void(message: Message) -> None:
    """Take an answer that nobody will see."""


async def _hang_up(send: Send) -> None:
    """Close the connection without a byte of an answer.

    ASGI has no word for that: a header that the server must refuse to write makes it close the connection.
    """
    with contextlib.suppress(Exception):  # which error the server's parser raises is its own business
        await send({"type": "http.response.start", "status": 500, "headers": [(b"no answer", b"")]})

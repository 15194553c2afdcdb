"""Desk: where a POST becomes a Call, and an Answer becomes a response."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from farandole_sandbox.answer import Answer, Call, refused
from farandole_sandbox.effect import Effect, children, find
from farandole_sandbox.faults import UNHARMED, Struck
from farandole_sandbox.idempotency import once
from farandole_sandbox.sandbox import Sandbox

R = TypeVar("R", bound=msgspec.Struct)
Deed = Callable[[sqlite3.Connection, Call, R], Answer]
Endpoint = Callable[[Request], Awaitable[Response]]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Cents = Annotated[int, msgspec.Meta(gt=0, le=10**12)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
Quantity = Annotated[int, msgspec.Meta(gt=0, le=10**9)]

STRUCK: Final = "farandole_sandbox.struck"
_LARGEST_BODY: Final = 256 * 1024
_A_KEY: Final = re.compile(r"[\x21-\x7e]{1,256}")


class Nothing(msgspec.Struct, frozen=True):
    """The body of a call that needs none."""


class ShipTo(msgspec.Struct, frozen=True):
    """Where a parcel goes; only the name matters here."""

    name: Name


def doing(sandbox: Sandbox, body: type[R], deed: Deed[R]) -> Endpoint:
    """Return the endpoint that does a deed once a key and answers after the commit."""

    async def endpoint(request: Request) -> Response:
        given = await _given(request, body)
        if isinstance(given, Answer):
            return respond(given)
        asked, fingerprint = given
        struck: Struck = request.scope.get(STRUCK, UNHARMED)
        call = Call(
            path=request.scope["path"],
            parameters=request.path_params,
            key=request.headers["idempotency-key"],
            fingerprint=fingerprint,
            now=sandbox.clock.now(),
            struck=struck.kinds,
        )
        answer = await sandbox.books.perform(partial(_once, call, asked, deed))
        sandbox.dispatcher.owe(answer.webhooks)
        return respond(answer)

    return endpoint


def looking_up(sandbox: Sandbox, kind: str, parameter: str) -> Endpoint:
    """Return the endpoint that shows an effect of one kind, with what was done to it since."""

    async def endpoint(request: Request) -> Response:
        effect_id = request.path_params[parameter]
        found = await sandbox.books.read(partial(_found, effect_id, kind))
        if found is None:
            return respond(refused(404, "not_found", f"there is no {kind.replace('_', ' ')} {effect_id[:64]}"))
        effect, since = found
        return json_response({**_shown(effect), "since": [_shown(one) for one in since]})

    return endpoint


def respond(answer: Answer) -> Response:
    """Return the response that carries an answer."""
    headers = {"idempotent-replay": "true"} if answer.replayed else None
    return Response(answer.body, answer.status, headers, "application/json")


def json_response(content: Any, status: int = 200) -> Response:
    """Return a response with ``content`` as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def read_body(request: Request) -> bytes | Answer:
    """Return the body, if it is JSON by its header and not too large.

    The header keeps other sites' pages out: a browser asks first before it sends JSON to another origin.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return refused(415, "not_json", "send Content-Type: application/json")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_BODY:
                return refused(413, "too_large", f"a body has at most {_LARGEST_BODY} bytes")
    except ClientDisconnect:
        # Whoever asked is gone, killed or too busy: nothing was done, nobody hears this, and nothing failed here.
        return refused(400, "bad_request", "the body did not come")
    return bytes(body) or b"{}"


def _once(call: Call, asked: R, deed: Deed[R], connection: sqlite3.Connection) -> Answer:
    return once(connection, call, lambda conn, same: deed(conn, same, asked))


async def _given(request: Request, body: type[R]) -> tuple[R, bytes] | Answer:
    if not _A_KEY.fullmatch(request.headers.get("idempotency-key", "")):
        return refused(400, "key_missing", "send Idempotency-Key: 1 to 256 visible ASCII characters")
    raw = await read_body(request)
    if isinstance(raw, Answer):
        return raw
    try:
        content = msgspec.json.decode(raw)
        # Sorted, so that the same question in another order of fields is the same question.
        canonical = msgspec.json.encode(content, order="sorted")
        return msgspec.convert(content, body), hashlib.blake2b(canonical, digest_size=16).digest()
    except (msgspec.DecodeError, OverflowError, RecursionError, UnicodeDecodeError) as error:
        return refused(400, "bad_request", str(error))


def _found(effect_id: str, kind: str, connection: sqlite3.Connection) -> tuple[Effect, tuple[Effect, ...]] | None:
    effect = find(connection, effect_id, kind)
    return None if effect is None else (effect, children(connection, effect_id))


def _shown(effect: Effect) -> dict[str, Any]:
    return {name: value for name, value in _fields(effect).items() if value is not None}


def _fields(effect: Effect) -> dict[str, Any]:
    return {
        "id": effect.id,
        "kind": effect.kind,
        "order_id": effect.order_id,
        "amount_cents": effect.amount_cents,
        "currency": effect.currency,
        "at": effect.at,
        **effect.detail,
    }

"""Problems: how everything that can go wrong with a request becomes application/problem+json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from farandole.errors import StoreUnavailableError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from farandole_orders.refusal import Refusal


def install(app: FastAPI) -> None:
    """Answer every failure of an application as a problem."""
    for kind, tell in (
        (Refusal, _refusal),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (StoreUnavailableError, _unavailable),
        (Exception, _bug),
    ):
        app.add_exception_handler(kind, _handler(tell))


def _handler(tell: Callable[[Any], Refusal]) -> Callable[[Request, Exception], Any]:
    async def handle(_request: Request, error: Exception) -> Response:
        return tell(error).response()

    return handle


def _refusal(error: Refusal) -> Refusal:
    return error


def _invalid(error: RequestValidationError) -> Refusal:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Refusal("the body is not JSON", status=400, kind="not-json", why="it cannot be parsed")
    fields = [_field(one) for one in found if not _follows_from_another(one, found)]
    header_only = all(field["in"] == "header" for field in fields)
    return Refusal(
        "the request is not valid",
        status=400 if header_only else 422,
        kind="invalid-request",
        why="; ".join(f"{field['field'] or field['in']}: {field['message']}" for field in fields[:3]),
        fields=fields,
    )


def _follows_from_another(error: Any, found: Sequence[Any]) -> bool:
    """Tell whether a list is only called too short because its items are not valid."""
    path = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in found
    )


def _field(error: Any) -> dict[str, str]:
    where, *path = error["loc"]
    return {"in": str(where), "field": _path(path), "message": error["msg"]}


def _path(parts: Sequence[str | int]) -> str:
    """Write the place of a field as its sender would: ``lines[0].quantity``."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return written.removeprefix(".")


def _http(error: HTTPException) -> Refusal:
    kinds = {404: "not-found", 405: "method-not-allowed", 400: "not-json"}
    return Refusal(
        str(error.detail).lower(),
        status=error.status_code,
        kind=kinds.get(error.status_code, "http"),
        headers=error.headers,
    )


def _unavailable(_: StoreUnavailableError) -> Refusal:
    return Refusal(
        "the order service cannot reach its database",
        status=503,
        kind="unavailable",
        why="nothing is known to have been stored",
        do="send it again; under the same Idempotency-Key it is done once",
        headers={"Retry-After": "2"},
    )


def _bug(_: Exception) -> Refusal:
    return Refusal(
        "the order service failed",
        status=500,
        kind="internal",
        why="this is a mistake of the service, which has logged it",
        do="send it again later; under the same Idempotency-Key it is done once",
    )

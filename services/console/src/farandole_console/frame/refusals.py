"""Refusals: what a request that cannot be answered is told: a page for people, JSON for tools."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from farandole.errors import FarandoleError, StoreUnavailableError
from farandole.http.refusal import UNAVAILABLE, RequestRefusedError, refusal
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from farandole_console.frame.failing import status_of
from farandole_console.frame.frame import Frame

FOR_TOOLS: Final = "/api/"
"""Where what is beneath is asked by tools."""
_CODES: Final = {404: "not_found", 405: "method_not_allowed"}
Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]


def refusals(frame: Frame) -> Handlers:
    """Return the exception handlers of the application."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if not request.url.path.startswith(FOR_TOOLS):
            return frame.problem(request, error.status_code, error.detail)
        code = error.error if isinstance(error, RequestRefusedError) else _CODES.get(error.status_code, "refused")
        return refusal(error.status_code, code, error.detail, headers=error.headers)

    async def away(request: Request, error: Exception) -> Response:
        assert isinstance(error, FarandoleError)
        if not request.url.path.startswith(FOR_TOOLS):
            return frame.problem(request, UNAVAILABLE, f"{error.what}. Try again in a moment.")
        return refusal(UNAVAILABLE, "unavailable", error.what, headers={"Retry-After": "2"})

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, FarandoleError)
        status = status_of(error)
        if request.url.path.startswith(FOR_TOOLS):
            return refusal(status, error.code, error.what)
        return frame.problem(request, status, error.what, error=error)

    return {HTTPException: refused, StoreUnavailableError: away, FarandoleError: failed}

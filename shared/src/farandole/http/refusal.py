"""Refusal: why a request is not done, as its sender is told it: a status, a code for programs, words for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from farandole.errors import StoreUnavailableError

Handler: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]

BAD_REQUEST: Final = 400
UNAVAILABLE: Final = 503


class RequestRefusedError(HTTPException):
    """A request cannot be done, and its sender is the one to mend it.

    ``error`` is the code for programs; it does not change. ``reason`` says to people what is wrong, and holds nothing
    that the sender may not know. Where an application does not use `REFUSALS`, Starlette still answers the status.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int = BAD_REQUEST,
        error: str = "bad_request",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, reason, headers)
        self.error = error
        self.reason = reason

    def response(self) -> Response:
        """Return the answer: ``{"error": …, "reason": …}``."""
        return refusal(self.status_code, self.error, self.reason, headers=self.headers)


def refusal(status: int, error: str, reason: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that says no in words."""
    return JSONResponse({"error": error, "reason": reason}, status, headers)


async def _answer(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)
    return error.response()


async def _database_away(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreUnavailableError)
    reason = f"{error.what}; nothing is known to have been stored: send it again"
    return refusal(UNAVAILABLE, "unavailable", reason, headers={"Retry-After": "2"})


REFUSALS: Final[Mapping[type[Exception], Handler]] = {
    RequestRefusedError: _answer,
    StoreUnavailableError: _database_away,
}
"""The ``exception_handlers`` of an application whose handlers raise RequestRefusedError, or use a Store.

While the database is away a request is answered 503 with a sentence.
"""

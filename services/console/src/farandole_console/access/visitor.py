"""Visitor: who sent a request, by the first means of the policy that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from starlette.requests import Request

from farandole_console.access.failures import Failures
from farandole_console.access.policy import Policy
from farandole_console.access.session import COOKIE
from farandole_console.access.tokens import Token
from farandole_console.access.user import User

VISIT: Final = "farandole_visit"
"""The cookie that tells browsers apart. It permits nothing."""
_BEARER: Final = "bearer "
_LONGEST_VISIT: Final = 64


class TooManyFailuresError(Exception):
    """An address failed to sign in too often; ``seconds`` says how long it has to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Visitors:
    """Knows who sends requests. For one event loop."""

    def __init__(self, policy: Policy, *, failures: Failures, now: Callable[[], datetime]) -> None:
        self._policy = policy
        self._failures = failures
        self._now = now

    def of(self, request: Request) -> User | None:
        """Return who sent a request; None for a stranger. Raises TooManyFailuresError."""
        if self._policy.anybody is not None:
            return replace(self._policy.anybody, visit=visit_of(request))
        said = request.headers.get("authorization", "")
        if said[: len(_BEARER)].lower() == _BEARER:
            token = self.believed(request, said[len(_BEARER) :].strip())
            return None if token is None else User(name=token.name, role=token.role, means="token")
        proxied = self._policy.proxy and self._policy.proxy.user_of(address_of(request), request.headers)
        if proxied:
            return replace(proxied, visit=visit_of(request))
        token = self._policy.sessions.token_of(request.cookies.get(COOKIE, ""), self._now())
        return None if token is None else User(name=token.name, role=token.role, means="token", visit=visit_of(request))

    def believed(self, request: Request, secret: str) -> Token | None:
        """Return the token that a stranger says, and count it where there is none. Raises TooManyFailuresError."""
        address = address_of(request)
        wait = self._failures.wait_of(address)
        if wait > 0:
            raise TooManyFailuresError(wait)
        token = self._policy.tokens.of_secret(secret)
        if token is None:
            self._failures.failed(address)
        return token

    def session(self, token: Token) -> str:
        """Return the cookie of somebody who has just said his token."""
        return self._policy.sessions.begun(token, self._now())


def visit_of(request: Request) -> str:
    """Return what tells this browser from others; empty where it has not been told yet."""
    said = request.cookies.get(VISIT, "")
    return said if len(said) <= _LONGEST_VISIT else ""


def address_of(request: Request) -> str:
    """Return where a connection comes from, whatever its headers say."""
    return request.client.host if request.client is not None else ""

"""Rate limit: a token bucket for each client."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farandole import Clock
from starlette.types import ASGIApp, Receive, Scope, Send

from farandole_orders.client import Clients
from farandole_orders.refusal import Refusal

MOST_CLIENTS: Final = 10_000
"""Buckets kept. The client that was away longest is forgotten first: its bucket is most likely full again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How many requests a client may send: ``per_second`` for ever, ``burst`` at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """What a client has left: so many ``tokens`` at the moment ``filled``."""

    tokens: float
    filled: datetime


def taken(bucket: Bucket, rate: Rate, now: datetime) -> tuple[Bucket, timedelta]:
    """Take a token; return the bucket after it and how long to wait, which is nothing where there was one."""
    passed = max(0.0, (now - bucket.filled).total_seconds())
    tokens = min(float(rate.burst), bucket.tokens + passed * rate.per_second)
    if tokens >= 1:
        return Bucket(tokens=tokens - 1, filled=now), timedelta(0)
    return Bucket(tokens=tokens, filled=now), timedelta(seconds=(1 - tokens) / rate.per_second)


class RateLimiter:
    """The buckets of the clients of this process. Belongs to one event loop."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait_of(self, client: str) -> timedelta:
        """Return how long a client has to wait before it may send; nothing means that this request is let in."""
        now = self._clock.now()
        bucket = self._buckets.pop(client, None) or Bucket(tokens=float(self._rate.burst), filled=now)
        self._buckets[client], wait = taken(bucket, self._rate, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait


class RateLimit:
    """The ASGI middleware: answers 429 with Retry-After, before a byte of the body is read."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter, clients: Clients) -> None:
        self._app = app
        self._limiter = limiter
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or refuse it."""
        if scope["type"] == "http" and (wait := self._limiter.wait_of(self._clients.of(scope).name)):
            await _too_many(wait).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _too_many(wait: timedelta) -> Refusal:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return Refusal(
        "too many requests",
        status=429,
        kind="too-many-requests",
        why="this client has sent more than its rate allows",
        do=f"send it again in {seconds} s",
        headers={"Retry-After": str(seconds)},
    )

"""Faults: what can be wrong with an outside system, and when it strikes. Pure values; the switchboard keeps them."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import NormalDist
from typing import Annotated, Final

import msgspec

EVERY_SYSTEM: Final = "*"
_NORMAL: Final = NormalDist()
_Z99: Final = _NORMAL.inv_cdf(0.99)

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=600)]


class System(StrEnum):
    """The outside systems, and the word that stands for all of them."""

    GATEWAY = "gateway"
    ERP = "erp"
    CRM = "crm"
    WMS = "wms"
    CARRIERS = "carriers"
    SUPPLIERS = "suppliers"
    ALL = EVERY_SYSTEM


class FaultKind(StrEnum):
    """What can be wrong."""

    OUTAGE = "outage"
    LATENCY = "latency"
    ERROR_RATIO = "error_ratio"
    DUPLICATE_ANSWERS = "duplicate_answers"
    DUPLICATE_WEBHOOKS = "duplicate_webhooks"
    LOST_ANSWERS = "lost_answers"
    RATE_LIMIT = "rate_limit"
    RETURNS = "returns"


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault as it is switched on. It ends at ``until``, or after ``count`` calls, or when it is switched off.

    ``ratio`` is the share of calls that it strikes, drawn from ``seed``. ``seconds`` says ``until`` as a time from now.
    ``p50_ms`` alone is a fixed latency; with ``p99_ms`` it is log-normal. ``per_second`` is the rate that a rate limit
    lets pass; without it the limit refuses by ``ratio``.
    """

    system: System
    kind: FaultKind
    ratio: Ratio = 1.0
    seed: int = 0
    p50_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)] = 100.0
    p99_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)] | None = None
    retry_after_seconds: NotNegative = 1.0
    per_second: Positive | None = None
    seconds: Positive | None = None
    until: datetime | None = None
    count: Annotated[int, msgspec.Meta(gt=0)] | None = None

    def from_now(self, now: datetime) -> Fault:
        """Return the fault with its end as a moment."""
        if self.seconds is None:
            return self
        return msgspec.structs.replace(self, seconds=None, until=now + timedelta(seconds=self.seconds))

    def over(self, *, hits: int, now: datetime) -> bool:
        """Say whether the fault has ended."""
        return (self.until is not None and now >= self.until) or (self.count is not None and hits >= self.count)

    def concerns(self, system: System) -> bool:
        """Say whether the fault is of this system."""
        return self.system in (system, System.ALL)

    def drawn(self, nth: int) -> bool:
        """Say whether the fault strikes the ``nth`` call that it sees."""
        return self.ratio >= 1 or draw(self.seed, f"{self.kind}:{nth}") < self.ratio

    def latency(self, nth: int) -> timedelta:
        """Return how much longer the ``nth`` call takes."""
        if self.p99_ms is None or self.p50_ms <= 0 or self.p99_ms <= self.p50_ms:
            return timedelta(milliseconds=self.p50_ms)
        sigma = math.log(self.p99_ms / self.p50_ms) / _Z99
        z = _NORMAL.inv_cdf(min(max(draw(self.seed, f"latency:{nth}"), 1e-9), 1 - 1e-9))
        return timedelta(milliseconds=min(self.p50_ms * math.exp(sigma * z), 60_000))


class Struck(msgspec.Struct, frozen=True, kw_only=True):
    """The faults that strike one call, and what they do to it."""

    kinds: frozenset[FaultKind] = frozenset()
    delay: timedelta = timedelta(0)
    retry_after: float = 0.0


UNHARMED: Final = Struck()


def draw(seed: int, what: str) -> float:
    """Return a number from 0 up to 1 that depends on nothing but its arguments: the same again in every run."""
    digest = hashlib.blake2b(f"{seed}:{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64

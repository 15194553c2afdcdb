"""Call and Answer: what a system is asked, and what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from farandole_sandbox.faults import FaultKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Something owed to a service: ``body`` is sent to ``receiver`` (a service's name) from ``due`` until it says 2xx.

    ``wanted`` is how many acknowledgements end it: one, or two where a fault has it sent twice.
    """

    id: str
    receiver: str
    order_id: str | None
    effect: str
    body: bytes
    due: datetime
    wanted: int = 1
    attempts: int = 0
    acknowledged: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One POST: its path and parameters, idempotency key, moment, and the faults that it was struck by."""

    path: str
    parameters: Mapping[str, str]
    key: str
    fingerprint: bytes
    now: datetime
    struck: frozenset[FaultKind] = frozenset()

    @property
    def at(self) -> str:
        """The moment of the call, as it is written."""
        return written(self.now)

    def id(self, prefix: str) -> str:
        """Return the id of what this call makes: the same for the same path and key, whoever asks, whenever."""
        digest = hashlib.blake2b(f"{self.path}\x1f{self.key}".encode(), digest_size=10).hexdigest()
        return f"{prefix}_{digest}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the caller is told. A ``final`` answer is remembered under its key; others are asked afresh."""

    status: int
    body: bytes
    final: bool = True
    replayed: bool = False
    webhooks: tuple[Webhook, ...] = ()


def done(status: int, *webhooks: Webhook, **fields: Any) -> Answer:
    """Return the answer to something that was done."""
    return Answer(status=status, body=msgspec.json.encode(fields), webhooks=webhooks)


def refused(status: int, error: str, reason: str, *, final: bool = True, **fields: Any) -> Answer:
    """Return the answer to something that was not done: ``error`` is the case, ``reason`` what a person reads."""
    return Answer(status=status, body=msgspec.json.encode({"error": error, "reason": reason, **fields}), final=final)


def unknown(what: str, name: str) -> Answer:
    """Return the answer to a call about something that is not in the books (yet): not final."""
    return refused(404, "not_found", f"there is no {what} {name[:64]}", final=False)


def written(moment: datetime) -> str:
    """Return a moment as the books and the answers write it: ISO 8601, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

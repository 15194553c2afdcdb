"""Idempotency: one effect and one answer for each Idempotency-Key, however often and however concurrently it is sent.

A key that is being worked on is locked, not written: in this process by a set, between replicas by an advisory lock of
PostgreSQL. Both end with their holder, so a request that crashed blocks nobody and nothing has to expire. The row with
the answer is written in the order's own transaction: there is never one without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from farandole import Clock, UnitOfWork
from sqlalchemy import func, select

from farandole_orders.refusal import Refusal
from farandole_orders.tables import idempotency_keys as table


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyName:
    """A key and where it counts: for one client and one operation."""

    scope: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedRequest:
    """A request under a key. ``fingerprint`` is the same for bodies that mean the same JSON."""

    name: KeyName
    fingerprint: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a request is answered. ``replayed`` says that this is the stored answer of an earlier one."""

    status: int
    body: bytes
    replayed: bool = False


def fingerprint_of(body: bytes) -> bytes:
    """Return the fingerprint of a JSON body that was validated already; spaces and the order of fields do not count."""
    value = json.loads(body) if body.strip() else None
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).digest()


class IdempotencyKeys:
    """The keys of the last ``window``. Belongs to one event loop."""

    def __init__(self, *, window: timedelta, clock: Clock) -> None:
        self._window = window
        self._clock = clock
        self._in_flight: set[KeyName] = set()

    @contextmanager
    def held(self, name: KeyName) -> Generator[None]:
        """Hold a key in this process while its request is worked on.

        Raises:
            Refusal: 409, another request holds it.
        """
        if name in self._in_flight:
            raise _in_use()
        self._in_flight.add(name)
        try:
            yield
        finally:
            self._in_flight.discard(name)

    async def claim(self, work: UnitOfWork, request: KeyedRequest, answer: Answer) -> Answer | None:
        """Store the answer under the key, or return the one that is stored: then the request must have no effect.

        Raises:
            Refusal: 409, another replica works on the key; 422, the key came with another body.
        """
        name = request.name
        if not await _locked(work, name):
            raise _in_use()
        now = self._clock.now()
        row = {"fingerprint": request.fingerprint, "status": answer.status, "answer": answer.body, "created": now}
        insert = work.insert(table).values(scope=name.scope, key=name.key, **row)
        outdated = table.c.created < now - self._window
        claimed = await work.execute(
            insert.on_conflict_do_update(
                index_elements=[table.c.scope, table.c.key], set_=row, where=outdated
            ).returning(table.c.key)
        )
        if claimed.first() is not None:
            return None
        return await _stored(work, request)


async def _stored(work: UnitOfWork, request: KeyedRequest) -> Answer:
    found = (
        await work.execute(
            select(table.c.fingerprint, table.c.status, table.c.answer).where(
                table.c.scope == request.name.scope, table.c.key == request.name.key
            )
        )
    ).one()
    if found.fingerprint != request.fingerprint:
        raise Refusal(
            "this Idempotency-Key was used for another request",
            status=422,
            kind="idempotency-key-reused",
            why="a key stands for one request, and the body that came with it before was another",
            do="send the first body again, or this one under a new key",
        )
    return Answer(status=found.status, body=found.answer, replayed=True)


async def _locked(work: UnitOfWork, name: KeyName) -> bool:
    """Lock the key until the transaction ends. On SQLite the transaction itself is alone already."""
    if work.dialect == "sqlite":
        return True
    digest = hashlib.sha256(f"idempotency\x1f{name.scope}\x1f{name.key}".encode()).digest()
    locked = await work.scalar(select(func.pg_try_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
    return bool(locked)


def _in_use() -> Refusal:
    return Refusal(
        "a request with this Idempotency-Key is being worked on",
        status=409,
        kind="idempotency-key-in-use",
        why="the first request with this key has no answer yet",
        do="send it again in a moment: the answer will be the first one's",
        headers={"Retry-After": "1"},
    )

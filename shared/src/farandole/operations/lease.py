"""Lease: who runs an operation on a service at present, so that a second terminal is told instead of joining in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from secrets import token_hex
from types import TracebackType
from typing import Annotated, Any, Final, Self

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from farandole.errors import LedgerUnavailableError, OperationError, StartError
from farandole.operations.operation import Operation
from farandole.redis_script import Script

LASTS: Final = timedelta(seconds=15)
"""How long it outlives a holder that was killed."""
MOST_BYTES: Final = 20_000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis keeps of a lease: the operation, and what tells this holder of it from every other."""

    operation: Operation
    holder: Annotated[str, msgspec.Meta(max_length=100)]


class Lease:
    """The right to run ``operation`` on its service: one at a time. An async context manager; for one event loop.

    It ends with the block, or, where the process is killed, within `LASTS`. Nothing is unsafe without it: two
    operations beside one another send what the ledger then drops.
    """

    def __init__(self, url: str, *, cluster: str, operation: Operation, lasts: timedelta = LASTS) -> None:
        """Prepare; nothing is sent yet. Raises StartError where the url cannot be used."""
        try:
            self._redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))
        except ValueError as bad:
            raise StartError(
                "the Redis URL of the operation's lease cannot be used",
                why="it is not of the form redis://host:port/0, rediss://… or unix://…",
                do="correct it in the context, or set FARANDOLE_REDIS_URL",
                code="E133",
            ) from bad
        self._key = f"farandole:{{{cluster}:{operation.service}}}:operation".encode()
        self._value = msgspec.json.encode(Held(operation=operation, holder=token_hex(8)))
        self._lasts = lasts
        self._service = operation.service
        self._change = Script("farandole.operations", "lease.lua")
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Take it. Raises OperationError where somebody has it, and LedgerUnavailableError."""
        try:
            async with _answering():
                taken = await self._redis.set(self._key, self._value, nx=True, px=self._lasts)
                there: Any = None if taken else await self._redis.get(self._key)
            if not taken:
                raise self._busy(there)
        except BaseException:
            await self._redis.aclose()
            raise
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back; a Redis that is away forgets it by itself."""
        if self._keeping is not None:
            self._keeping.cancel()
        with suppress(RedisError, OSError):
            await self._change.run(self._redis, [self._key], [self._value, b"0"])
        await self._redis.aclose()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lasts.total_seconds() / 3)
            # While Redis is away nobody else can take it either; one that was lost meanwhile is taken again if free.
            with suppress(RedisError, OSError):
                kept = await self._change.run(self._redis, [self._key], [self._value, _millis(self._lasts)])
                if not kept:
                    await self._redis.set(self._key, self._value, nx=True, px=self._lasts)

    def _busy(self, there: bytes | None) -> OperationError:
        return OperationError(
            f"something else is being done to {self._service}",
            why=_told(there),
            do=f"wait for its end (farandole operations ls), or at most {self._lasts.total_seconds():g} s "
            "where its process was killed",
            code="E512",
        )


async def holder(url: str, *, cluster: str, service: str) -> Operation | None:
    """Return the operation that is run on a service now; None where none is. Raises LedgerUnavailableError."""
    redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))
    try:
        async with _answering():
            there: Any = await redis.get(f"farandole:{{{cluster}:{service}}}:operation".encode())
            return _operation(there)
    finally:
        await redis.aclose()


def _operation(there: bytes | None) -> Operation | None:
    if there is None or len(there) > MOST_BYTES:
        return None
    try:
        return msgspec.json.decode(there, type=Held).operation
    except (msgspec.MsgspecError, ValueError):
        return None


def _told(there: bytes | None) -> str:
    operation = _operation(there)
    return "it ended this very moment" if there is None else str(operation or "somebody, of another version")


def _millis(duration: timedelta) -> bytes:
    return str(duration // timedelta(milliseconds=1)).encode()


@asynccontextmanager
async def _answering() -> AsyncGenerator[None]:
    try:
        yield
    except (RedisError, OSError) as failure:
        raise LedgerUnavailableError(
            "Redis does not answer", why=f"{type(failure).__name__}: {failure}", do="farandole doctor"
        ) from failure

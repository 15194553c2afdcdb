"""RedisBreakers: the shared states in Redis. Decisions are made in Python; a script compares and sets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from farandole.breaker.breakers import Change, T
from farandole.breaker.state import BreakerState, packed, unpacked
from farandole.errors import BreakersUnavailableError, StartError
from farandole.redis_script import Script

_TRIES: Final = 50
_LONGEST_PAUSE_MS: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RedisBreakers:
    """The breakers of one cluster: a hash ``farandole:{<cluster>}:breakers`` with a field a dependency.

    Time is the server's, so that workers whose clocks differ agree. Whoever lost the race to change a state computes
    again from the one that won.
    """

    def __init__(self, url: str, *, cluster: str, timeout: timedelta = timedelta(seconds=1)) -> None:
        """Prepare; nothing is sent yet. ``timeout`` is that of connecting and of each reply.

        Raises:
            StartError: the url cannot be used.
        """
        seconds = timeout.total_seconds()
        try:
            self._redis = Redis.from_url(
                url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as bad:
            raise StartError(
                "the breakers' Redis URL cannot be used",
                why="it is not of the form redis://host:port/0, rediss://… or unix://…",
                do="set FARANDOLE_REDIS_URL",
                code="E129",
            ) from bad
        self._key = f"farandole:{{{cluster}}}:breakers".encode()
        self._compare_and_set = Script("farandole.breaker", "compare_and_set.lua")
        self._random = Random()

    async def change(self, dependency: str, change: Change[T]) -> T:
        """Change one state. Raises BreakersUnavailableError."""
        field = dependency.encode()
        async with self._answering():
            _, seen, now = await self._run(field, b"", b"")
            for tried in range(_TRIES):
                state, answer = change(unpacked(seen or None), now)
                changed, seen, now = await self._run(field, seen, packed(state))
                if changed:
                    return answer
                # Full jitter: whoever lost together would lose together again.
                await asyncio.sleep(self._random.random() * min(2**tried, _LONGEST_PAUSE_MS) / 1000)
        raise BreakersUnavailableError(
            f"the breaker of {dependency} could not be changed",
            why=f"somebody else was faster {_TRIES} times",
            do="nothing: it is tried again",
        )

    async def states(self) -> Mapping[str, BreakerState]:
        """Return every state. Raises BreakersUnavailableError."""
        async with self._answering():
            kept: Any = await self._redis.hgetall(self._key)
        found = {name.decode("utf-8", "replace"): unpacked(state) for name, state in kept.items()}
        return {name: state for name, state in sorted(found.items()) if state is not None}

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    @classmethod
    async def look(cls, url: str, *, cluster: str) -> Mapping[str, BreakerState]:
        """Return every state, over a connection of its own that is closed then. Raises BreakersUnavailableError."""
        breakers = cls(url, cluster=cluster)
        try:
            return await breakers.states()
        finally:
            await breakers.close()

    async def _run(self, field: bytes, seen: bytes, wanted: bytes) -> tuple[bool, bytes, datetime]:
        reply = await self._compare_and_set.run(self._redis, [self._key], [field, seen, wanted])
        changed, kept, seconds, micros = reply
        return bool(changed), kept, _EPOCH + timedelta(seconds=int(seconds), microseconds=int(micros))

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        try:
            yield
        except (RedisError, OSError) as failure:
            raise BreakersUnavailableError(
                "the breakers in Redis are away",
                why=f"{type(failure).__name__}: {failure}",
                do="start Redis, or see what it refuses; every worker decides alone meanwhile",
            ) from failure

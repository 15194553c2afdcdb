"""PooledSession: a transaction on a connection of an async SQLAlchemy pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from farandole.errors import StoreUnavailableError
from farandole.store.database import Parameters
from farandole.store.failure import too_slow, translated
from farandole.store.line import Line

_STATE: Final = text("SELECT state FROM pg_stat_activity WHERE pid = :backend")


class PooledSession:
    """A session on one connection, which goes back to its pool at the end. No answer may take longer than ``limit``."""

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, service: str, limit: timedelta) -> None:
        self._engine = engine
        self._connection = connection
        self._service = service
        self._line = Line(connection, limit=limit)
        self._limit = limit

    @classmethod
    async def begin(cls, engine: AsyncEngine, service: str, limit: timedelta, **options: Any) -> PooledSession:
        """Take a connection; the transaction begins with the first statement."""
        with translated(service):
            connection = await engine.connect()
            session = cls(engine, connection, service, limit)
            try:
                await connection.execution_options(**options)
            except BaseException:
                await session.rollback()
                raise
        return session

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """See Session."""
        async with self._answered():
            return await self._connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Parameters) -> Sequence[Row[Any]]:
        """Run one SELECT and give the connection back."""
        try:
            return (await self.execute(statement, parameters)).all()
        finally:
            await self.rollback()

    async def commit(self) -> None:
        """See Session."""
        async with self._answered():
            await self._connection.commit()
        await asyncio.shield(self._give_back())

    async def rollback(self) -> None:
        """See Session."""
        # Shielded: a handler that is cancelled here must not keep the connection, with its locks, from the pool.
        await asyncio.shield(self._give_back())

    @asynccontextmanager
    async def _answered(self) -> AsyncGenerator[None]:
        try:
            with translated(self._service), self._line.waiting():
                yield
        except StoreUnavailableError as away:
            if self._line.cut and await self._is_at_work():
                raise too_slow(self._service, self._limit) from away
            raise

    async def _is_at_work(self) -> bool:
        """Tell a statement that takes too long from an outage: it may fail for ever, and the others are answered.

        That others are answered is not enough: an outage may have ended while this one was waiting, and what was on
        the line then never arrived, or its answer did not. So the server is asked whether it works on this one.
        """
        try:
            async with asyncio.timeout(self._limit.total_seconds() / 2), self._engine.connect() as another:
                state = await another.scalar(_STATE, {"backend": self._line.backend})
        except Exception:
            return False
        return bool(state == "active")

    async def _give_back(self) -> None:
        with suppress(Exception), self._line.waiting():
            await self._connection.rollback()
        with suppress(Exception), self._line.waiting():
            await self._connection.close()

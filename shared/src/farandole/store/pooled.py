"""PooledSession: a transaction on a connection of an async SQLAlchemy pool."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from farandole.store.database import Parameters
from farandole.store.failure import translated


class PooledSession:
    """A session on one connection, which goes back to its pool at the end."""

    def __init__(self, connection: AsyncConnection, service: str) -> None:
        self._connection = connection
        self._service = service

    @classmethod
    async def begin(cls, engine: AsyncEngine, service: str, **options: Any) -> PooledSession:
        """Take a connection; the transaction begins with the first statement."""
        with translated(service):
            connection = await engine.connect()
            session = cls(connection, service)
            try:
                await connection.execution_options(**options)
            except BaseException:
                await session.rollback()
                raise
        return session

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """See Session."""
        with translated(self._service):
            return await self._connection.execute(statement, parameters)

    async def commit(self) -> None:
        """See Session."""
        with translated(self._service):
            await self._connection.commit()
        await asyncio.shield(self._give_back())

    async def rollback(self) -> None:
        """See Session."""
        # Shielded: a handler that is cancelled here must not keep the connection, with its locks, from the pool.
        await asyncio.shield(self._give_back())

    async def _give_back(self) -> None:
        with suppress(Exception):
            await self._connection.rollback()
        with suppress(Exception):
            await self._connection.close()

"""PostgreSQLDatabase: a pool of psycopg 3 connections."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import URL, Connection, Executable, Row, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema

from farandole.errors import StoreUnavailableError
from farandole.store.database import DialectName, Session
from farandole.store.failure import translated, unavailable
from farandole.store.pooled import PooledSession

log = structlog.get_logger(__name__)

_LONGEST_IDLE: Final = timedelta(seconds=60)


class PostgreSQLDatabase:
    """A PostgreSQL database.

    Nobody waits longer than ``patience`` for a lock, for a connection of the pool or for a new one, nor twice as long
    for any answer; and the server ends a transaction that has idled for a minute:
    a worker that froze before its COMMIT would otherwise hold up its peers for as long as it is frozen.
    """

    dialect: DialectName = "postgresql"

    def __init__(
        self, url: URL, *, service: str, patience: timedelta = timedelta(seconds=5), schema: str | None = None
    ) -> None:
        self._url = url
        self._service = service
        self._patience = patience
        self._limit = 2 * patience
        self._schema = schema
        self._engine: AsyncEngine | None = None

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """See Database."""
        patience = int(self._patience.total_seconds() * 1000)
        idle = int(_LONGEST_IDLE.total_seconds() * 1000)
        self._engine = create_async_engine(
            self._url,
            hide_parameters=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=self._patience.total_seconds(),
            connect_args={
                "application_name": f"farandole-{self._service}",
                "connect_timeout": max(2, round(self._patience.total_seconds())),
                "options": f"-c lock_timeout={patience} -c idle_in_transaction_session_timeout={idle}"
                + (f" -c search_path={self._schema}" if self._schema else ""),
            },
        )
        with translated(self._service):
            async with self._engine.begin() as connection:
                # CREATE TABLE IF NOT EXISTS is not safe when two replicas start at once.
                await connection.execute(select(func.pg_advisory_xact_lock(_number("open"))))
                if self._schema is not None:
                    await connection.run_sync(_demand_schema, self._schema)
                await connection.run_sync(prepare)

    async def close(self) -> None:
        """See Database."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def write(self) -> Session:
        """See Database."""
        return await PooledSession.begin(self._connected, self._service, self._limit)

    async def read(self) -> Session:
        """See Database."""
        return await PooledSession.begin(self._connected, self._service, self._limit, postgresql_readonly=True)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """See Database."""
        session = await self._alone_each()
        return await session.rows(statement, parameters)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncGenerator[bool]:
        """See Database. Held by a connection of its own, so that it ends with the process; no transaction idles."""
        number = _number(name)
        session = await self._alone_each()
        taken = False
        try:
            taken = bool((await session.execute(select(func.pg_try_advisory_lock(number)))).scalar_one())
            yield taken
        finally:
            try:
                if taken:
                    await session.execute(select(func.pg_advisory_unlock(number)))
            except StoreUnavailableError:
                # The server that held the lock is gone, or this connection to it: so is the lock.
                log.info("a lock ended with its connection", service=self._service, name=name)
            finally:
                await session.rollback()

    async def _alone_each(self) -> PooledSession:
        """Return a session whose statements are each for themselves."""
        return await PooledSession.begin(self._connected, self._service, self._limit, isolation_level="AUTOCOMMIT")

    @property
    def _connected(self) -> AsyncEngine:
        if self._engine is None:
            raise unavailable(self._service, "it is not open")
        return self._engine


def _demand_schema(connection: Connection, name: str) -> None:
    """Make a schema unless it is there: also "IF NOT EXISTS" demands the right to make one."""
    if name not in inspect(connection).get_schema_names():
        connection.execute(CreateSchema(name))


def _number(name: str) -> int:
    """Derive the number of an advisory lock, which PostgreSQL keeps apart by database."""
    return int.from_bytes(hashlib.sha256(f"farandole.{name}".encode()).digest()[:8], signed=True)

"""Database: the two things that a store asks of SQLite and of PostgreSQL, a connection to write and one to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy import Connection, CursorResult, Executable, Row

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
DialectName: TypeAlias = Literal["sqlite", "postgresql"]


class Session(Protocol):
    """One transaction on one connection. Ends with exactly one ``commit`` or ``rollback``, which gives it back."""

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Run a statement. Rows are fetched before it returns; the result stays readable after the transaction."""
        ...

    async def commit(self) -> None:
        """Make it durable. After an error it is unknown whether that happened: the inbox will tell."""
        ...

    async def rollback(self) -> None:
        """Undo it. Never raises: a connection that cannot roll back is thrown away, which does the same."""
        ...


class Database(Protocol):
    """SQLite or PostgreSQL. Every method but ``close`` raises StoreUnavailableError when the database is away."""

    dialect: DialectName

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """Connect, then run ``prepare`` in a transaction that no other process runs at the same time."""
        ...

    async def close(self) -> None:
        """Close every connection. Harmless when not open."""
        ...

    async def write(self) -> Session:
        """Begin a transaction that writes. On SQLite this waits for the one before it to end."""
        ...

    async def read(self) -> Session:
        """Begin a transaction that reads, on a connection that waits for no writer."""
        ...

    async def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Run one short SELECT of the hot path by itself."""
        ...

    def alone(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Try to be the only process at ``name`` and tell whether that worked, without waiting."""
        ...

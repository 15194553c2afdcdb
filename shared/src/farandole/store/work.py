"""UnitOfWork: what a handler writes with, and the transaction behind it that opens at first use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

from farandole.errors import StoreUnavailableError
from farandole.store.database import DialectName, Parameters, Session
from farandole.store.entry import AlreadyHandled, Tombstoned
from farandole.store.failure import spent

T = TypeVar("T")
Opening = Callable[[Session], Awaitable[None]]


def inserting(dialect: DialectName, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT into a table."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Transaction:
    """The life of one unit of work: opened at the first statement, ended by ``commit`` or ``rollback``.

    ``opening`` runs first in it. The first failure of any statement ends it, on both databases alike.
    """

    def __init__(self, begin: Callable[[], Awaitable[Session]], opening: Opening | None = None) -> None:
        self._begin = begin
        self._opening = opening
        self._session: Session | None = None
        self._failure: BaseException | None = None
        self._one_at_a_time = asyncio.Lock()
        self.hooks: list[Callable[[], None]] = []
        self.deferred: dict[Executable, list[Any]] = {}
        self.opened = False
        self.ended = False

    async def open(self) -> None:
        """Begin now, unless that has happened."""
        async with self._one_at_a_time:
            await self._opened()

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Run a statement, opening the transaction if it is the first."""
        return await self.run(lambda session: session.execute(statement, parameters))

    async def run(self, step: Callable[[Session], Awaitable[T]]) -> T:
        """Run a step on the session, opening the transaction if it is the first."""
        async with self._one_at_a_time:
            session = await self._opened()
            try:
                return await step(session)
            except BaseException as error:
                await self._fail(error)
                raise

    async def commit(self) -> None:
        """Run what was deferred, commit, call the hooks. A transaction that was never opened has nothing to commit."""
        for statement, parameters in self.deferred.items():
            await self.execute(statement, parameters)
        async with self._one_at_a_time:
            self._refuse()
            self.ended = True
            session, self._session = self._session, None
            if session is not None:
                try:
                    await session.commit()
                except BaseException:
                    await session.rollback()
                    raise
        for hook in self.hooks:
            hook()

    async def rollback(self) -> None:
        """Undo everything; harmless when ended."""
        self.ended = True
        session, self._session = self._session, None
        if session is not None:
            await session.rollback()

    async def _opened(self) -> Session:
        self._refuse()
        if self._session is not None:
            return self._session
        session = await self._begin()
        if self.ended:
            # The handler left while a task of its own still waited for its turn: nobody would ever end this one.
            await session.rollback()
            self._refuse()
        self._session = session
        self.opened = True
        if self._opening is not None:
            try:
                await self._opening(session)
            except BaseException as error:
                await self._fail(error)
                raise
        return session

    async def _fail(self, error: BaseException) -> None:
        self._failure = error
        await self.rollback()

    def _refuse(self) -> None:
        # A verdict is repeated, so that a handler which swallows it cannot finish all the same.
        if isinstance(self._failure, AlreadyHandled | Tombstoned | StoreUnavailableError):
            raise self._failure
        if self._failure is not None:
            raise spent(self._failure) from self._failure
        if self.ended:
            raise RuntimeError(
                "this unit of work has ended; it must not be kept beyond its handler or its `async with`"
            )


class UnitOfWork:
    """What a handler, a timer or an HTTP request writes with: one transaction on the service's own database.

    It is opened lazily, at the first statement: a handler that first awaits an outside system holds nothing meanwhile.
    From its first statement on it should await the database only; on SQLite it holds up every other writer.
    Its statements run one after the other, in the order of the calls; give each task a unit of work of its own.

    Errors that mean "database away, locked or full" come as StoreUnavailableError, a violated constraint as
    SQLAlchemy's IntegrityError. After any error the unit of work is rolled back and takes no further statement.
    """

    def __init__(self, transaction: Transaction, dialect: DialectName) -> None:
        self._transaction = transaction
        self._dialect: DialectName = dialect

    @property
    def dialect(self) -> DialectName:
        """The database behind it: ``sqlite`` or ``postgresql``."""
        return self._dialect

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement; its rows, if any, are already fetched.

        In a delivery the first call raises AlreadyHandled or Tombstoned where a peer was first: let it pass.
        """
        return await self._transaction.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """Return the first column of the first row, or None where there is no row."""
        return (await self.execute(statement, parameters)).scalar()

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return the dialect's INSERT, with ``on_conflict_do_nothing``, ``on_conflict_do_update``, ``excluded``."""
        return inserting(self._dialect, table)

    def for_update(self, statement: Select[Any]) -> Select[Any]:
        """Lock the selected rows until the end, on PostgreSQL; on SQLite the whole unit of work is alone already."""
        return statement if self._dialect == "sqlite" else statement.with_for_update()

    def defer(self, statement: Executable, parameters: Any) -> None:
        """Run a statement just before the commit, together with others deferred with the very same statement."""
        self._transaction.deferred.setdefault(statement, []).append(parameters)

    def on_commit(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` once the commit succeeded. It must neither raise nor block."""
        if hook not in self._transaction.hooks:
            self._transaction.hooks.append(hook)

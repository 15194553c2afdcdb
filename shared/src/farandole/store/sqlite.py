"""SQLiteDatabase: one file in WAL mode, one connection that writes and one that reads.

Statements run on the event loop's own thread. Measured: a thread hop for each (aiosqlite) costs ten times the CPU, and
while the loop is busy a read by key took 13 ms at the median and 380 at worst, because the worker must win the
interpreter's lock for every step; here it takes a fraction of one. A statement on a local file takes tens of
microseconds. What may take longer, another process's lock, is waited for outside SQLite. A statement that reads
without a bound holds the loop as long as it reads: page it.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, TypeVar, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Executable, NullPool, Row, create_engine
from sqlalchemy.engine.cursor import CursorFetchStrategy, FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import SQLAlchemyError

from farandole.errors import FarandoleError
from farandole.store.database import DialectName, Parameters, Session
from farandole.store.failure import translated, unavailable

T = TypeVar("T")

_opened: Final[ContextVar[object]] = ContextVar("opened", default=None)
"""What the present task, or the one that began it, opened last: its transaction is its own also in a task within it."""
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05


class SQLiteDatabase:
    """A SQLite file, or, without a path, a database in a temporary folder that goes when it is closed."""

    dialect: DialectName = "sqlite"

    def __init__(self, path: Path | None, *, service: str, patience: timedelta = timedelta(seconds=5)) -> None:
        self._path = path
        self._service = service
        self._patience = patience
        self._folder: TemporaryDirectory[str] | None = None
        self._turn = asyncio.Lock()
        self._owner: object = None
        self._engine: Engine | None = None
        self._writer: Connection | None = None
        self._reader: Connection | None = None

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """See Database."""
        with translated(self._service):
            if self._path is None:
                self._folder = TemporaryDirectory(prefix="farandole-store-")
            path = self._file
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(
                URL.create("sqlite", database=str(path)),
                isolation_level="AUTOCOMMIT",
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={"check_same_thread": False, "timeout": 0},
            )
            self._writer = await self._patiently(self._engine.connect)
            await self._patiently(lambda: _pragmas(_raw(self._connected), "journal_mode=WAL", "synchronous=NORMAL"))
            _pragmas(_raw(self._writer), "foreign_keys=ON")
            session = await self.write()
            try:
                prepare(self._writer)
            except BaseException:
                await session.rollback()
                raise
            await session.commit()
            self._reader = await self._patiently(self._engine.connect)
            _pragmas(_raw(self._reader), "query_only=ON")

    async def close(self) -> None:
        """See Database."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        if self._engine is not None:
            self._engine.dispose()
        self._reader = self._writer = self._engine = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    async def write(self) -> Session:
        """See Database."""
        if self._owner is not None and _opened.get() is self._owner:
            raise FarandoleError(
                f"{self._service} opens a transaction within its own transaction",
                why="SQLite's writers take turns, so the inner one would wait for the outer one for ever",
                do="use the UnitOfWork that is already open",
                code="E306",
            )
        await self._turn.acquire()
        try:
            raw = _raw(self._connected)
            await self._patiently(lambda: raw.execute("BEGIN IMMEDIATE"))
        except BaseException as error:
            self._turn.release()
            if isinstance(error, sqlite3.Error):
                with translated(self._service):
                    raise
            raise
        self._owner = object()
        _opened.set(self._owner)
        return _WriteSession(self._connected, self._service, self._end_turn)

    async def read(self) -> Session:
        """See Database."""
        return _Session(self._reading, self._service)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """See Database."""
        with translated(self._service):
            return self._reading.execute(statement, parameters).all()

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncGenerator[bool]:
        """See Database. Held by a lock on a file beside the database, which ends with the process."""
        path = self._file
        with translated(self._service):
            beside = path.with_name(f"{path.name}-{name}").open("ab")
        with beside:
            yield _locked(beside)

    @property
    def _connected(self) -> Connection:
        if self._writer is None:
            raise unavailable(self._service, "it is not open")
        return self._writer

    @property
    def _reading(self) -> Connection:
        if self._reader is None:
            raise unavailable(self._service, "it is not open")
        return self._reader

    @property
    def _file(self) -> Path:
        if self._folder is not None:
            return Path(self._folder.name) / "store.db"
        if self._path is None:
            raise unavailable(self._service, "it is not open")
        return self._path

    def _end_turn(self) -> None:
        self._owner = None
        self._turn.release()

    async def _patiently(self, call: Callable[[], T]) -> T:
        """Try until no other process holds the lock, without holding up the event loop."""
        until = time.monotonic() + self._patience.total_seconds()
        pause = _FIRST_PAUSE
        while True:
            try:
                return call()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


class _Session:
    """Statements on a connection, each for itself: it reads, so there is nothing to commit. Nothing here suspends."""

    def __init__(self, connection: Connection, service: str) -> None:
        self._connection = connection
        self._service = service

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        """See Session."""
        with translated(self._service):
            return _fetched(self._connection.execute(statement, parameters))

    async def commit(self) -> None:
        """See Session."""

    async def rollback(self) -> None:
        """See Session."""


class _WriteSession(_Session):
    """The one write transaction."""

    def __init__(self, connection: Connection, service: str, end: Callable[[], None]) -> None:
        super().__init__(connection, service)
        self._end = end

    async def commit(self) -> None:
        """See Session."""
        with translated(self._service):
            _raw(self._connection).execute("COMMIT")
        self._end()

    async def rollback(self) -> None:
        """See Session."""
        with suppress(sqlite3.Error, SQLAlchemyError):
            raw = _raw(self._connection)
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        self._end()


def _fetched(result: CursorResult[Any]) -> CursorResult[Any]:
    """Fetch the rows now: a statement that is still being read would keep the transaction from committing."""
    if result.returns_rows and type(result.cursor_strategy) is CursorFetchStrategy:
        cursor = result.cursor
        rows = cursor.fetchall() if cursor is not None else []
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=rows)
    return result


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _pragmas(raw: sqlite3.Connection, *pragmas: str) -> None:
    for pragma in pragmas:
        raw.execute(f"PRAGMA {pragma}").fetchall()

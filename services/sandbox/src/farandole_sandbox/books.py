"""The books: one SQLite file, one thread that writes it, and answers that wait for the commit."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from farandole.errors import StoreUnavailableError

from farandole_sandbox.tables import SCHEMA

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]
_LARGEST_GROUP: Final = 256


class Books:
    """What the outside systems did, kept over a kill -9.

    Operations run one after another in one thread, many to a transaction (a group commit), each in a savepoint of its
    own; whoever asked is answered after the commit. So an operation may look, decide and write without any lock, and
    two calls with one idempotency key cannot both find it unused. Use from one event loop.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="books", daemon=True)

    async def open(self) -> None:
        """Create the file and its tables where they are missing, and start the writing thread."""
        await asyncio.to_thread(self._create)
        self._thread.start()

    async def close(self) -> None:
        """Write what is still asked for, then stop."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def perform(self, operation: Operation[T]) -> T:
        """Run ``operation`` and return its result once it is durable; what it raises is raised here, and undone there.

        Raises:
            StoreUnavailableError: the group could not be committed; nothing of it is kept.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Entry(operation, future, loop))
        return await future

    def tell(self, operation: Operation[Any]) -> None:
        """Run ``operation`` some time soon; nobody waits, and a failure of it is nobody's."""
        self._queue.put(_Entry(operation, None, None))

    async def read(self, query: Operation[T]) -> T:
        """Run a query on a connection of its own, beside the writer: it sees what was committed when it began."""
        return await asyncio.to_thread(self._read, query)

    def _read(self, query: Operation[T]) -> T:
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA query_only=1")
            connection.execute("BEGIN")
            return query(connection)

    def _create(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, cached_statements=256)
        # NORMAL in WAL keeps every commit when the process dies; only a power cut could lose the last of them.
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _write(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            open_ended = True
            while open_ended:
                group = self._next_group()
                open_ended = group[-1] is not None
                _commit(connection, [entry for entry in group if entry is not None])

    def _next_group(self) -> list[_Entry | None]:
        group = [self._queue.get()]
        with contextlib.suppress(Empty):
            while group[-1] is not None and len(group) < _LARGEST_GROUP:
                group.append(self._queue.get_nowait())
        return group


class _Entry:
    """An operation, who waits for it, and what came of it."""

    __slots__ = ("error", "future", "loop", "operation", "result")

    def __init__(
        self, operation: Operation[Any], future: asyncio.Future[Any] | None, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self.operation = operation
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        connection.execute("SAVEPOINT operation")
        try:
            self.result = self.operation(connection)
        except Exception as error:
            self.error = error
            connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")

    def settle(self) -> None:
        if self.future is None or self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _commit(connection: sqlite3.Connection, group: list[_Entry]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for entry in group:
            entry.run(connection)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for entry in group:
            entry.error = StoreUnavailableError(
                "the sandbox cannot write its books", why=str(error), do="look at the disk that holds FARANDOLE_HOME"
            )
    loops = {entry.loop for entry in group if entry.loop is not None}
    for loop in loops:
        waiting = [entry for entry in group if entry.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop ended while we wrote: nobody is left to tell
            loop.call_soon_threadsafe(_settle, waiting)


def _settle(waiting: list[_Entry]) -> None:
    for entry in waiting:
        entry.settle()

"""Line: the connection to a server, cut where an answer stays out: a server that hangs is as good as none."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final, cast

from psycopg import AsyncConnection as Driver
from sqlalchemy.ext.asyncio import AsyncConnection


class Line:
    """The socket of one connection.

    No setting of the client or the server bounds how long an answer may take once the server has hung, or vanished
    without a word: the kernel acknowledges for the one, and nobody for the other. Cutting the socket makes whatever
    waits on it fail at once, as it would had the server ended.
    """

    def __init__(self, connection: AsyncConnection, *, limit: timedelta) -> None:
        sync = connection.sync_connection
        assert sync is not None
        self._driver = cast("Driver", sync.connection.driver_connection)
        self._limit = limit
        self.backend: Final = self._driver.info.backend_pid
        """The id of the server's process at the other end."""
        self.cut = False
        """Whether it was cut."""

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Cut the line unless the block ends within the limit."""
        timer = asyncio.get_running_loop().call_later(self._limit.total_seconds(), self._cut)
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.cut = True
        with suppress(OSError), socket.socket(fileno=os.dup(self._driver.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

"""A TCP proxy on the loopback that can be slow, cut or half-open: what a test puts between a service and a server.

In a test's own loop::

    async with TcpProxy(to=redis.port) as proxy:
        service_uses(f"redis://127.0.0.1:{proxy.port}/0")
        await proxy.suffer(CUT)
        ...
        await proxy.suffer(HEALTHY)

Where the test's loop is busy or blocked, run it as a process of its own: ``tcp_proxy_process`` has the same methods.

A Kafka broker tells its clients where to connect, so it must tell them the proxy's port: ``Broker(home, proxy=PORT)``.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from farandole.errors import UsageError
from farandole.local.ports import LOOPBACK
from farandole.testing.tcp_fault import CUT, HEALTHY, Line, TcpFault
from farandole.testing.tcp_line import TcpLine


class TcpProxy:
    """Forwards every connection to ``port`` on to a server on the loopback, as well as its fault allows.

    Belongs to the event loop that started it. The port is its own until ``stop``, also while it refuses connections.
    """

    def __init__(self, *, to: int | Path | None = None, port: int = 0) -> None:
        """Plan a proxy; nothing listens yet.

        Args:
            to: The server's port, or its Unix socket. It may be set later (``proxy.to = …``): until then connections
                are reset.
            port: The port to listen on; 0 picks a free one, which ``start`` makes known.
        """
        self.to = to
        self.accepted = 0
        """How many connections were accepted in all: a client that reconnects in a storm shows here."""
        self._wanted = port
        self._fault = HEALTHY
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._lines: set[TcpLine] = set()
        self._replies_left = 0

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            UsageError: It was not started.
        """
        if self._held is None:
            raise UsageError("the proxy was not started", do="await proxy.start() first")
        return int(self._held.getsockname()[1])

    @property
    def fault(self) -> TcpFault:
        """What is wrong with it now."""
        return self._fault

    @property
    def open(self) -> int:
        """How many connections are open now."""
        return len(self._lines)

    async def start(self) -> None:
        """Take the port and listen.

        Raises:
            OSError: The port is taken.
        """
        self._fault = HEALTHY
        # A socket that is bound and never listens keeps the port ours while connections are refused.
        self._held = _bound(self._wanted)
        await self._listen()

    async def stop(self) -> None:
        """Reset what is open, give the port back."""
        self._fault = CUT
        self._refuse()
        self._reset_all()
        if self._held is not None:
            self._held.close()
            self._held = None

    async def suffer(self, fault: TcpFault) -> None:
        """Be in this state from now on, for open connections and new ones; ``HEALTHY`` ends every fault.

        When it returns the state holds: after ``CUT`` every connection is reset and a new one is refused.
        """
        self._fault, self._replies_left = fault, fault.replies
        if fault.line is Line.CUT:
            self._refuse()
            self._reset_all()
        else:
            await self._listen()
        for each in tuple(self._lines):
            each.suffer(fault)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _listen(self) -> None:
        if self._server is None:
            listener = _bound(self.port)
            self._server = await asyncio.start_server(self._serve, sock=listener, backlog=512)

    def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reset_all(self) -> None:
        for each in tuple(self._lines):
            each.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        line = TcpLine(reader, writer, self._fault, self._may_lose)
        self._lines.add(line)
        try:
            await line.carry(self.to)
        finally:
            self._lines.discard(line)

    def _may_lose(self) -> bool:
        """Take one of the replies that are to be lost; with the last of them the line is healthy again."""
        if self._replies_left < 1:
            return False
        self._replies_left -= 1
        if not self._replies_left:
            self._fault = HEALTHY
            for each in tuple(self._lines):
                each.suffer(HEALTHY)
        return True


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LOOPBACK, port))
    except BaseException:
        made.close()
        raise
    return made

"""One connection through a ``TcpProxy``: two pumps, each of which obeys the fault of the moment."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from farandole.local.ports import LOOPBACK
from farandole.testing.tcp_fault import Line, TcpFault

_CHUNK = 64 * 1024
# What one direction holds while it is slow; beyond it nothing more is read, and TCP's own windows push back.
_MOST_CHUNKS = 64
_TICK = timedelta(milliseconds=50)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TcpLine:
    """One client's connection, from its acceptance to its end. Made and used by ``TcpProxy``."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: TcpFault,
        may_lose: Callable[[], bool],
    ) -> None:
        self._reader = reader
        self._client = writer
        self._server: asyncio.StreamWriter | None = None
        self._fault = fault
        self._may_lose = may_lose
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._swallowed = False
        self._replied = 0

    def suffer(self, fault: TcpFault) -> None:
        """Be in this state from now on. A connection that lost bytes cannot go on: it is reset."""
        self._fault, self._replied = fault, 0
        if self._swallowed and fault.line is not Line.SWALLOWS:
            self.reset()
        self._changed.set()
        self._changed = asyncio.Event()

    def reset(self) -> None:
        """End both sides with a reset."""
        for each in (self._client, self._server):
            if each is not None:
                _reset(each)
        self._ended.set()

    async def carry(self, to: int | Path | None) -> None:
        """Carry bytes between the client and ``to`` until either side ends or the line is reset."""
        if self._fault.line is Line.CUT:
            self.reset()
            return
        # Nobody is reached over a half-open line; the client believes that it is connected all the same.
        while self._fault.line in {Line.SWALLOWS, Line.STALLS}:
            self._swallowed = self._swallowed or self._fault.line is Line.SWALLOWS
            if not await self._wait_for_change():
                return
        try:
            if to is None:
                raise ConnectionRefusedError
            reader, self._server = await _reached(to)
        except OSError:
            self.reset()
            return
        there = asyncio.create_task(self._pump(self._reader, self._server, back=False))
        back = asyncio.create_task(self._pump(reader, self._client, back=True))
        both = asyncio.create_task(asyncio.wait((there, back)))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((ended, both), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (there, back, both, ended):
                each.cancel()
            for side in (self._client, self._server):
                side.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_CHUNKS)
        delivering = asyncio.create_task(self._deliver(held, writer, back=back))
        now = asyncio.get_running_loop().time
        try:
            while chunk := await reader.read(_CHUNK):
                await held.put((now(), chunk))
            await held.put((now(), b""))
            await delivering
        except OSError:
            self.reset()
        finally:
            delivering.cancel()

    async def _deliver(
        self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        while True:
            arrived, chunk = await held.get()
            await self._hold(arrived, back=back)
            if self._fault.line is Line.SWALLOWS:
                self._swallowed = True
                continue
            if not chunk:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            room = self._room() if back else len(chunk)
            if room < len(chunk) and self._may_lose():
                await self._send(writer, chunk[:room])
                self.reset()
                return
            self._replied += len(chunk) if back else 0
            await self._send(writer, chunk)

    async def _hold(self, arrived: float, *, back: bool) -> None:
        """Wait as long as the fault of the moment demands for what arrived then; a change of fault counts at once."""
        now = asyncio.get_running_loop().time
        while True:
            if self._fault.line is Line.STALLS:
                await self._wait_for_change()
                continue
            late = (self._fault.back if back else self._fault.there).total_seconds()
            left = arrived + late - now()
            if left <= 0 or self._fault.line is Line.SWALLOWS:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    async def _wait_for_change(self) -> bool:
        """Wait for another fault; tell whether the line is still there."""
        waits = [asyncio.create_task(self._changed.wait()), asyncio.create_task(self._ended.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        return not self._ended.is_set()

    def _room(self) -> int:
        """How many more bytes of reply the fault lets through."""
        bound = self._fault.reply_bytes
        return sys.maxsize if bound is None else max(0, bound - self._replied)

    async def _send(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        rate = self._fault.bytes_per_second
        try:
            if rate is None:
                writer.write(chunk)
                await writer.drain()
                return
            step = max(1, int(rate * _TICK.total_seconds()))
            for start in range(0, len(chunk), step):
                writer.write(chunk[start : start + step])
                await writer.drain()
                await asyncio.sleep(_TICK.total_seconds())
        except OSError:
            self.reset()


async def _reached(to: int | Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(to, Path):
        return await asyncio.open_unix_connection(to)
    return await asyncio.open_connection(LOOPBACK, to)


def _reset(writer: asyncio.StreamWriter) -> None:
    wire = writer.get_extra_info("socket")
    if wire is not None and wire.fileno() >= 0:
        with contextlib.suppress(OSError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()

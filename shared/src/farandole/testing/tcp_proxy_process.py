"""A ``TcpProxy`` as a process of its own, and the parent's side of it.

The process prints ``listening PORT``, then reads one fault a line from its standard input, as ``TcpFault.to_json``
writes it (``{"line":"cut"}``, ``{"there":2,"back":2}``, ``{}`` heals), answers ``ok`` to each, and ends with its input:
a parent that dies takes it along.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from types import TracebackType
from typing import Self

from farandole.errors import UsageError
from farandole.testing.tcp_fault import HEALTHY, TcpFault
from farandole.testing.tcp_proxy import TcpProxy


class TcpProxyProcess:
    """Starts ``python -m farandole.testing.tcp_proxy_process`` and steers it. Belongs to the loop that started it."""

    def __init__(self, *, to: int, port: int = 0) -> None:
        """Plan one from ``port`` (0 picks a free one) to the server's port ``to``; nothing runs yet."""
        self.port = port
        self.fault = HEALTHY
        self._to = to
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id.

        Raises:
            UsageError: It does not run.
        """
        return self._running().pid

    async def start(self) -> None:
        """Start it and wait until it listens; ``port`` is known then.

        Raises:
            UsageError: It does not listen; what it said is in the log of this process.
        """
        argv = (sys.executable, "-m", __name__, "--port", str(self.port), "--to", str(self._to))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
        self.port = int((await self._heard()).removeprefix("listening "))

    async def suffer(self, fault: TcpFault) -> None:
        """Be in this state from now on, as ``TcpProxy.suffer``; it holds when this returns.

        Raises:
            UsageError: The process ended, or knows no such fault.
        """
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(fault.to_json().encode() + b"\n")
        await stdin.drain()
        answer = await self._heard()
        if answer != "ok":
            raise UsageError(answer)
        self.fault = fault

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            await self._process.wait()
            self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _heard(self) -> str:
        stdout = self._running().stdout
        assert stdout is not None
        line = (await stdout.readline()).decode().strip()
        if not line:
            raise UsageError("the proxy's process ended", do="read what it wrote to its standard error")
        return line

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise UsageError("the proxy was not started", do="await proxy.start() first")
        return self._process


async def _obey(proxy: TcpProxy) -> None:
    loop = asyncio.get_running_loop()
    said = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    while line := (await said.readline()).decode():
        try:
            await proxy.suffer(TcpFault.from_json(line))
        except (ValueError, TypeError, AttributeError) as wrong:
            _say(f"no such fault: {line.strip()} ({wrong})")
        else:
            _say("ok")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _run(port: int, to: int) -> None:
    async with TcpProxy(to=to, port=port) as proxy:
        _say(f"listening {proxy.port}")
        await _obey(proxy)


def main() -> None:
    """Run a proxy that is steered from its standard input, until that ends."""
    asked = argparse.ArgumentParser(prog="farandole.testing.tcp_proxy_process", description="A TCP proxy with faults.")
    asked.add_argument("--port", type=int, default=0, help="the port to listen on; 0 picks a free one")
    asked.add_argument("--to", type=int, required=True, help="the server's port on the loopback")
    chosen = asked.parse_args()
    asyncio.run(_run(chosen.port, chosen.to))


if __name__ == "__main__":
    main()

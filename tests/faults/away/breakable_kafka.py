"""BreakableKafka: a real broker behind a proxy. Whoever looks from outside goes past the proxy."""

from __future__ import annotations

import resource
from datetime import timedelta
from pathlib import Path
from typing import Self

from farandole.local.broker import Broker
from farandole.local.redis import Redis
from farandole.testing import CUT, HALF_OPEN, HEALTHY, TcpProxy, slow
from farandole.testing.backend import Backend, Choice


class BreakableKafka:
    """``break_`` it in one way, then ``mend`` it: both by the same name."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.proxy = TcpProxy()
        self._broker: Broker | None = None

    @property
    def bootstrap(self) -> str:
        """Where the service finds it: behind the proxy."""
        return f"127.0.0.1:{self.proxy.port}"

    @property
    def backend(self) -> Backend:
        """It, as whoever looks from outside sees it."""
        choice = Choice(kind="local", why="it is to be broken")
        return Backend(choice=choice, broker=self.broker, redis=Redis(self._home / "unused"))

    @property
    def broker(self) -> Broker:
        """The broker itself."""
        assert self._broker is not None
        return self._broker

    async def __aenter__(self) -> Self:
        await self.proxy.start()
        self._broker = Broker(self._home / "broker", proxy=self.proxy.port)
        await self._broker.start()
        self.proxy.to = self._broker.proxied_port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.broker.stop()
        await self.proxy.stop()

    async def break_(self, how: str) -> None:
        """Break it; return when it is broken."""
        match how:
            case "cut":
                await self.proxy.suffer(CUT)
            case "half-open":
                await self.proxy.suffer(HALF_OPEN)
            case "slow":
                await self.proxy.suffer(slow(timedelta(milliseconds=500)))
            case "killed":
                await self.broker.kill()
            case "disk full":
                resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            case _:
                raise AssertionError(how)

    async def mend(self, how: str) -> None:
        """Take the same fault away."""
        if how == "disk full":
            # Kafka ends itself once its only log folder fails; whoever runs it gives it room and starts it again.
            await self.broker.kill()
        if how in {"killed", "disk full"}:
            await self.broker.start()
            self.proxy.to = self.broker.proxied_port
        await self.proxy.suffer(HEALTHY)

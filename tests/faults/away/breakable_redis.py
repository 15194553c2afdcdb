"""BreakableRedis: a real Redis behind a proxy, with everything that can be wrong with one."""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

from farandole.local.redis import Redis
from farandole.testing import CUT, HALF_OPEN, HEALTHY, TcpProxy, lost_reply, slow
from redis.asyncio import Redis as Client
from redis.exceptions import ResponseError

FOREVER = resource.RLIM_INFINITY


class BreakableRedis:
    """``break_`` it in one way, then ``mend`` it: both by the same name."""

    FAULTS = ("stopped", "cut", "half-open", "slow", "out of memory", "disk full")

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = Redis(home)
        self._extra: list[Redis] = []
        self.proxy = TcpProxy()

    @property
    def url(self) -> str:
        """Where services find it: behind the proxy."""
        return f"redis://127.0.0.1:{self.proxy.port}/0"

    async def start(self) -> None:
        """Start the server, as `mend` does."""
        await self._server.start()

    async def stop(self) -> None:
        """End the server in order."""
        await self._server.stop()

    async def kill(self) -> None:
        """End the server, as `break_` does."""
        await self._server.kill()

    async def __aenter__(self) -> Self:
        await self._server.start()
        await self.proxy.start()
        self.proxy.to = self._server.port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.proxy.stop()
        for server in (self._server, *self._extra):
            await server.stop()

    async def break_(self, how: str) -> None:
        """Break it; return when it is broken."""
        match how:
            case "stopped":
                await self._server.kill()
            case "cut":
                await self.proxy.suffer(CUT)
            case "half-open":
                await self.proxy.suffer(HALF_OPEN)
            case "slow":
                await self.proxy.suffer(slow(timedelta(seconds=1)))
            case "out of memory":
                await self._configure("maxmemory", "1mb")
            case "disk full":
                self._limit_files(1)
                await self._until_misconfigured()
            case _:
                raise AssertionError(how)

    async def mend(self, how: str) -> None:
        """Take the same fault away."""
        match how:
            case "stopped":
                await self._server.start()
            case "out of memory":
                await self._configure("maxmemory", "0")
            case "disk full":
                self._limit_files(FOREVER)
            case _:
                await self.proxy.suffer(HEALTHY)

    async def lose_replies(self, count: int) -> None:
        """Carry out the next requests, and lose the replies."""
        await self.proxy.suffer(lost_reply(replies=count))

    async def wipe(self) -> None:
        """Forget everything."""
        async with self._client() as client:
            await client.flushall()

    async def fail_over_to_a_lagging_replica(self) -> None:
        """Let a replica take over that has missed what comes from now on, as a failover may; see `promote`."""
        replica = Redis(self._home / "replica")
        await replica.start()
        self._extra.append(replica)
        async with Client.from_url(replica.url) as client:
            await self._configure("repl-diskless-sync-delay", "0")
            await client.replicaof("127.0.0.1", str(self._server.port))
            while (await client.info("replication"))["master_link_status"] != "up":  # noqa: ASYNC110 - a server's state
                await asyncio.sleep(0.02)
            # From here on it lags, for ever.
            await client.replicaof("127.0.0.1", "1")

    async def promote(self) -> None:
        """End the primary, and let the replica be it, at the same address."""
        (replica,) = self._extra
        await self._server.kill()
        async with Client.from_url(replica.url) as client:
            await client.replicaof("NO", "ONE")
        await self.proxy.suffer(CUT)
        self.proxy.to = replica.port
        await self.proxy.suffer(HEALTHY)

    def _client(self) -> Client:
        return Client.from_url(self._server.url)

    async def _configure(self, name: str, value: str) -> None:
        async with self._client() as client:
            await client.config_set(name, value)

    def _limit_files(self, size: int) -> None:
        resource.prlimit(self._server.pid, resource.RLIMIT_FSIZE, (size, FOREVER))

    async def _until_misconfigured(self) -> None:
        """Write until the server refuses: it finds out with the first write that its file takes no more."""
        async with self._client() as client:
            async with asyncio.timeout(20):
                while (await client.info("persistence"))["aof_last_write_status"] == "ok":
                    with suppress(ResponseError):
                        await client.set("fill", "x")
                    await asyncio.sleep(0.02)

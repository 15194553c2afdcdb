"""Apicurio: a real schema registry for tests, on the same Java as the embedded broker, everything in memory."""

from __future__ import annotations

import asyncio
import os
import tarfile
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2

from farandole.errors import LocalMeshError
from farandole.local import cache, jars, java, ports
from farandole.local.child import Child, Command, tail
from farandole.local.jar_lock import Jar

VERSION: Final = "2.6.13.Final"
ARCHIVE: Final = Jar(
    path=f"io/apicurio/apicurio-registry-app/{VERSION}/apicurio-registry-app-{VERSION}-all.tar.gz",
    size=142_198_683,
    sha256="3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba",
)
START_WITHIN: Final = timedelta(seconds=60)
STOP_WITHIN: Final = timedelta(seconds=10)
_CONFLUENT_API: Final = "apis/ccompat/v7"


def folder() -> Path:
    """Make the cache hold the registry, unpacked; return its folder. Blocks: use a thread.

    Raises:
        LocalMeshError: There is no source for it, or it has other bytes than the lock says.
    """
    home = cache.folder() / f"apicurio-{VERSION}"
    if (home / "app").is_dir():
        return home / "app"
    archive = jars.resolve([ARCHIVE], into=home) / ARCHIVE.name
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=home) as arriving:
        with tarfile.open(archive) as packed:
            packed.extractall(Path(arriving, "app"), filter="data")
        Path(arriving, "app").replace(home / "app")
    return home / "app"


class Apicurio:
    """One registry, its data in memory; listens on the loopback only."""

    def __init__(self, home: Path) -> None:
        self._home = home
        (self._port,) = ports.free()
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """The port on the loopback."""
        return self._port

    @property
    def url(self) -> str:
        """The address of its Confluent API."""
        return f"http://{ports.LOOPBACK}:{self._port}/{_CONFLUENT_API}"

    async def start(self) -> None:
        """Start it and wait until it answers. Raises LocalMeshError."""
        app = await asyncio.to_thread(folder)
        runtime = await asyncio.to_thread(java.find)
        argv = (
            str(runtime.path),
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx192m"),
            f"-Dquarkus.http.host={ports.LOOPBACK}",
            f"-Dquarkus.http.port={self._port}",
            *("-jar", f"apicurio-registry-app-{VERSION}-runner.jar"),
        )
        log = self._home / "apicurio.log"
        self._child = Child(Command(argv=argv, log=log, cwd=app, env=dict(os.environ)))
        deadline = time.monotonic() + START_WITHIN.total_seconds()
        while time.monotonic() < deadline and self._child.running:
            soon = min(deadline, time.monotonic() + 1)
            if await ports.until_listening(self._port, deadline=soon) and await self._answers():
                return
        raise LocalMeshError("Apicurio did not answer", why=tail(log), do=f"see {log}", code="E406")

    async def stop(self) -> None:
        """End it; what was registered is gone."""
        if self._child is not None:
            await self._child.stop(STOP_WITHIN)

    async def _answers(self) -> bool:
        try:
            async with httpx2.AsyncClient(timeout=5) as client:
                return (await client.get(f"{self.url}/subjects")).is_success
        except httpx2.HTTPError:
            return False

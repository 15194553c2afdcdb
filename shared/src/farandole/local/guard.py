"""No orphans: the parent's side of the guard process (see ``guard_process``)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

_SCRIPT = Path(__file__).with_name("guard_process.py")


class Guard:
    """Ends the watched process groups when this process is gone, also by kill -9. Safe to use from any thread.

    The write end of the pipe is not inherited by children, so only this process keeps it open. A guard that was killed
    is replaced at the next change, with all that it watched.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The guard process's id; None before the first group is watched."""
        return self._process.pid if self._process else None

    def watch(self, group: int) -> None:
        """End the process group ``group`` when this process dies. Call it right after the group's leader started."""
        with self._lock:
            self._groups.add(group)
            self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave ``group`` alone from now on: it ended, and its number may come back as somebody else's."""
        with self._lock:
            self._groups.discard(group)
            self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
            line = "".join(f"+{group}\n" for group in self._groups)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own script, by our own interpreter
            [sys.executable, "-I", "-S", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )


def of_this_process() -> Guard:
    """Return the one guard of this process, made on first use. A forked child gets its own."""
    return _of(os.getpid())


@cache
def _of(_pid: int) -> Guard:
    return Guard()

"""Other processes of this machine, by their id."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path


def alive(pid: int) -> bool:
    """Tell whether ``pid`` is a process that runs; one that ended and was not yet reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return not Path("/proc/self").exists()


async def gone(pids: Iterable[int], *, within: timedelta) -> tuple[int, ...]:
    """Wait until none of ``pids`` runs, at most for ``within``; return those that still do."""
    deadline = time.monotonic() + within.total_seconds()
    left = tuple(pid for pid in pids if alive(pid))
    while left and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        left = tuple(pid for pid in left if alive(pid))
    return left


def resident_bytes(pid: int) -> int | None:
    """Return the memory a process holds now; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

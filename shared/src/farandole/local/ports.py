"""Ports on the loopback: which are free, and which answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from datetime import timedelta

LOOPBACK = "127.0.0.1"
_POLL = timedelta(milliseconds=25)


def free(count: int = 1) -> tuple[int, ...]:
    """Pick ``count`` different ports that nobody listens on now.

    They are not reserved: whoever binds first has them, so bind soon.
    """
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


def bindable(port: int) -> bool:
    """Tell whether ``port`` can be bound on the loopback now, as a server would bind it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


async def listening(port: int, *, timeout: timedelta = timedelta(milliseconds=500)) -> bool:  # noqa: ASYNC109 - a bound of one probe, not of the caller
    """Tell whether somebody accepts a connection on ``port`` of the loopback."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(LOOPBACK, port), timeout.total_seconds())
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def until_listening(port: int, *, deadline: float) -> bool:
    """Wait until ``port`` accepts, at most until ``deadline`` (of ``time.monotonic``); tell whether it does."""
    while time.monotonic() < deadline:
        if await listening(port):
            return True
        await asyncio.sleep(_POLL.total_seconds())
    return False

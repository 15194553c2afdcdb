"""Ctrl-C: once to drain, twice to force."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 - nobody failed
    """Somebody pressed Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Interrupts:
    """``asked`` is set by the first SIGINT or SIGTERM, ``insisted`` by the second."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    insisted: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self) -> None:
        """Take one more signal."""
        (self.insisted if self.asked.is_set() else self.asked).set()


@contextmanager
def listening() -> Generator[Interrupts]:
    """Hear signals instead of dying of them while the block runs. Call it in the main thread, inside the loop."""
    loop = asyncio.get_running_loop()
    heard = Interrupts()
    for number in _SIGNALS:
        loop.add_signal_handler(number, heard.hear)
    try:
        yield heard
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def unless_interrupted(work: Awaitable[T], heard: Interrupts) -> T:
    """Do the work, unless somebody presses Ctrl-C meanwhile.

    Raises:
        Interrupted: Once the work is cancelled and has ended, or at once where somebody insists.
    """
    doing = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(heard.asked.wait())
    insisted = asyncio.ensure_future(heard.insisted.wait())
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing, insisted}, return_when=asyncio.FIRST_COMPLETED)
            raise Interrupted
        return await doing
    finally:
        asked.cancel()
        insisted.cancel()

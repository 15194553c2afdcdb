"""Ctrl-C: once to drain, twice to force."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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

"""Replaying: in which replay the present run of a handler takes place, for what it does without returning it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from farandole.delivery import Replay

_replay: Final[ContextVar[Replay | None]] = ContextVar("replay", default=None)


@contextmanager
def replaying(replay: Replay) -> Generator[None]:
    """Say for this block, and for tasks that it starts, in which replay it runs."""
    token = _replay.set(replay)
    try:
        yield
    finally:
        _replay.reset(token)


def present_replay() -> Replay | None:
    """Return the replay in which the caller runs, if it runs in one."""
    return _replay.get()

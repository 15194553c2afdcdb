"""Calls: what the clients of outside systems note about the calls of one run, for the breaker to hear.

A run that succeeded without calling anything proves nothing about the system that it could have called. A client that
notes its calls makes that difference known; without it the run as a whole is taken for one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """The calls of one run, by dependency; under the empty name those whose client names none."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


_calls: Final[ContextVar[Calls | None]] = ContextVar("calls", default=None)


@contextmanager
def noting() -> Generator[Calls]:
    """Gather what is noted in this block, also by tasks that it starts."""
    calls = Calls()
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        _calls.reset(token)


def note_answer(dependency: str = "") -> None:
    """Note that a system answered, whatever it said. Does nothing outside a handler's run."""
    calls = _calls.get()
    if calls is not None:
        calls.answered[dependency] += 1


def note_failure(dependency: str = "") -> None:
    """Note that a system did not answer, or could not work. Does nothing outside a handler's run."""
    calls = _calls.get()
    if calls is not None:
        calls.failed[dependency] += 1

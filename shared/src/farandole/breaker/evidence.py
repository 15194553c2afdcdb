"""Evidence: what a run that has ended says about a dependency, and whether a failing delivery is itself the fault."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from farandole.breaker.dependency import Dependency
from farandole.breaker.outcome import Kind
from farandole.breaker.state import BreakerState
from farandole.calls import Calls
from farandole.errors import DependencyError
from farandole.signals import Throttled, TimedOut

FAILURES_OF_POISON: Final = 2


def is_trouble(error: BaseException | None, dependency: Dependency) -> bool:
    """Say whether an error is the dependency's, rather than the delivery's or the handler's."""
    if isinstance(error, DependencyError | Throttled):
        return error.dependency in ("", dependency.name)
    return isinstance(error, (TimedOut, *dependency.errors))


def kind_of(error: BaseException | None, calls: Calls, dependency: Dependency, *, alone: bool, silent: bool) -> Kind:
    """Say what a run proves about a dependency.

    Args:
        error: how it ended; None where it succeeded.
        calls: what clients noted during it.
        dependency: the one in question.
        alone: whether the handler needs no other, so that calls without a name are to this one.
        silent: whether its client never notes its calls, so that the run as a whole stands for one.
    """
    if isinstance(error, Throttled) and is_trouble(error, dependency):
        return Kind.THROTTLED
    if is_trouble(error, dependency):
        return Kind.FAILURE
    names = {dependency.name, *([""] if alone else [])}
    if any(calls.answered[name] for name in names):
        return Kind.SUCCESS
    if any(calls.failed[name] for name in names):
        return Kind.FAILURE
    return Kind.SUCCESS if silent and error is None else Kind.NOTHING


def is_poison(failures: int, first_failed: datetime, state: BreakerState) -> bool:
    """Say whether a delivery that keeps failing is the fault itself: the dependency worked for others meanwhile.

    While nobody succeeds, any number of failures may be an outage.
    """
    return failures >= FAILURES_OF_POISON and state.proved is not None and state.proved > first_failed

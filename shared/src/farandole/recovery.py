"""Recovery: what is done about a failed delivery. A pure decision; the engine carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final, TypeAlias

from farandole.errors import FarandoleError, UnavailableError
from farandole.retry import Backoff
from farandole.signals import Reject, Retry, Throttled


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A delivery that failed: the ``error``, the ``attempt`` within its round (from 0), and how often in memory."""

    error: BaseException
    attempt: int
    immediate: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How a handler's failures are taken: ``immediate`` tries in memory first, then ``backoff``.

    Where order is kept (``ordered``) a delivery waits for its next attempt in memory, at the head of its key, not in a
    retry tier. Where a key ``stops``, a delivery is tried on and on rather than given up.
    """

    backoff: Backoff = field(default_factory=Backoff)
    immediate: int = 0
    ordered: bool = False
    stops: bool = False

    @property
    def tiers(self) -> int:
        """How many retry tiers this policy can reach."""
        return 0 if self.ordered else self.backoff.tiers


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryNow:
    """Run the handler again at once, in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryLater:
    """Send the delivery to the next retry tier, due after ``delay``."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldBack:
    """Keep the delivery in memory, and the later ones of its key behind it; try again after ``delay``."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitDependency:
    """A dependency is away or wants fewer calls: keep the delivery, and run it again when its breaker permits.

    That is after ``delay`` at the earliest, and uses no attempt up.
    """

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """Give the delivery up: it becomes a dead letter."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Something that the mesh stands on is away: keep the delivery, pause its partition, try again soon."""

    reason: str


NO_WAIT: Final = timedelta(0)
LONGEST_PAUSE: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(days=1)
"""A handler that names a longer time is tried after this one: no retry may outlive the retention of its topic."""

Decision: TypeAlias = RetryNow | RetryLater | HoldBack | AwaitDependency | DeadLetter | Pause


def decide(failure: Failure, policy: Policy, random: Random) -> Decision:
    """Decide what becomes of a failed delivery.

    What is away pauses; what is rejected, breaks the contract or is final otherwise is dead at once; everything else
    is tried again in memory, then through the retry tiers (held back in memory where order is kept), then dead.
    """
    error = failure.error
    if isinstance(error, UnavailableError):
        return Pause(reason=error.what)
    if isinstance(error, Reject) or (isinstance(error, FarandoleError) and error.is_final):
        return _given_up(policy, reason=str(error))
    reason = error.reason if isinstance(error, Retry) else f"{type(error).__name__}: {error}"
    wants_delay = isinstance(error, Retry) and error.after is not None
    if failure.immediate < policy.immediate and not wants_delay:
        return RetryNow()
    if policy.backoff.exhausted(failure.attempt):
        return _given_up(policy, reason=reason)
    # A time that is named is the earliest. The backoff on top spreads the crowd that was told the same time, and makes
    # the attempts last as long as without it: a system that says "in a second" six times would be given up after six.
    earliest = min(error.after, LONGEST_WAIT) if isinstance(error, Retry) and error.after is not None else NO_WAIT
    delay = earliest + policy.backoff.delay(failure.attempt, random)
    return HoldBack(delay=delay, reason=reason) if policy.ordered else RetryLater(delay=delay, reason=reason)


def await_dependency(
    error: BaseException, policy: Policy, *, failures: int, is_open: bool, random: Random
) -> AwaitDependency:
    """Decide when a delivery that failed for a dependency's sake may be run again, at the earliest.

    Where its breaker ``is_open``, that says when. Otherwise the policy's backoff spreads the reruns, for a few seconds
    at most, as nothing else waits for them; and nobody is asked again before the time that it named.
    """
    reason = error.reason if isinstance(error, Retry) else f"{type(error).__name__}: {error}"
    if isinstance(error, Throttled):
        return AwaitDependency(delay=min(error.after or NO_WAIT, LONGEST_WAIT), reason=reason)
    if is_open:
        return AwaitDependency(delay=NO_WAIT, reason=reason)
    return AwaitDependency(delay=min(policy.backoff.delay(failures - 1, random), LONGEST_PAUSE), reason=reason)


def _given_up(policy: Policy, *, reason: str) -> Decision:
    return HoldBack(delay=policy.backoff.longest, reason=reason) if policy.stops else DeadLetter(reason=reason)

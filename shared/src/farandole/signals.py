"""Retry and Reject: the two signals by which a handler says how its failure is to be taken.

A business "no" is neither of them: it is an event. Any other exception goes to the handler's retry policy.
"""

from __future__ import annotations

from datetime import timedelta


class Retry(Exception):  # noqa: N818 - a signal, not an error
    """Try this delivery again later: after the policy's next delay, counted from ``after`` where a time is given."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Throttled(Retry):
    """An outside system wants fewer calls: try this delivery again, not before ``after``; call it more slowly.

    It is no failure: the fleet slows its calls to that system down, and the delivery waits in memory.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None, dependency: str = "") -> None:
        super().__init__(reason, after=after)
        self.dependency = dependency


class TimedOut(Retry):
    """A run took longer than its handler's timeout."""


class Reject(Exception):  # noqa: N818 - a signal, not an error
    """Trying again cannot help: make this delivery a dead letter now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

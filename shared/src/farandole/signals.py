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


class Reject(Exception):  # noqa: N818 - a signal, not an error
    """Trying again cannot help: make this delivery a dead letter now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

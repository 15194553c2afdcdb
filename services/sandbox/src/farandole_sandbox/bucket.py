"""Bucket: a token bucket, what a rate limit counts with."""

from __future__ import annotations

from datetime import datetime


class Bucket:
    """Lets ``per_second`` calls a second pass, and as many at once as fit into one second (at least one)."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._size = max(1.0, per_second)
        self._tokens = self._size
        self._at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Take a token if there is one, and say whether there was."""
        if self._at is not None:
            gained = (now - self._at).total_seconds() * self._per_second
            self._tokens = min(self._size, self._tokens + max(0.0, gained))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

"""Dependency: an outside system that handlers need, and how gently it is treated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from farandole.errors import StartError

NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """What a handler names in ``depends_on``. Its breaker is shared by every replica of every service that names it.

    Args:
        name: what it is called, in the breaker's key, in metrics and in ``farandole breakers``.
        errors: exceptions of a client of your own that say that the system is away. A DependencyError always does.
        concurrency: how many handlers of one process may be calling it at the same moment. Whoever waits for a place
            has not called yet when the breaker opens.
        rate: how many calls a second the whole fleet may make, at most; None for as many as come.
        probe_interval: while the breaker is open, one call in this time finds out whether it still has to be.
        first_rate: calls a second of the whole fleet when it closes again. Doubles every second.
        ramp: how long it takes to close again altogether.

    Raises:
        StartError: one of these is not positive, or the name is empty.
    """

    name: str = field(kw_only=False)
    errors: tuple[type[BaseException], ...] = ()
    concurrency: int = 16
    rate: float | None = None
    probe_interval: timedelta = timedelta(seconds=2)
    first_rate: float = 5.0
    ramp: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        positive = self.concurrency > 0 and self.first_rate > 0 and (self.rate is None or self.rate > 0)
        if not (self.name and positive and self.probe_interval > NO_TIME and self.ramp > NO_TIME):
            raise StartError(
                f"{self} is no dependency",
                why="it needs a name, and every number and time has to be above zero",
                do="correct the depends_on= of the handler",
                code="E128",
            )

    @property
    def ceiling(self) -> float | None:
        """The rate at which calls are permitted under ``rate``: what may come at once on top stays under it, too."""
        return None if self.rate is None else max(self.rate / 2, self.rate - burst(self.rate))


def burst(rate: float) -> float:
    """Return how many calls may be permitted at once at ``rate`` a second: what a tenth of a second brings."""
    return max(1.0, rate / 10)

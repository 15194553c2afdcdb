"""Membership: what became of a consumer in its group, as the log, the metrics and ``/status`` tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from farandole.kafka.departure import Departure
from farandole.kafka.placement import Placement
from farandole.metrics import Metrics

log = structlog.get_logger(__name__)


class Membership:
    """Hears what happens in the member's thread; ``status`` may be asked from anywhere."""

    def __init__(self, group: str, *, metrics: Metrics, on_ended: Callable[[int], None]) -> None:
        self._group = group
        self._metrics = metrics
        self._on_ended = on_ended
        self._held = 0
        self._left: Departure | None = None
        self._lost = 0

    def held(self, count: int) -> None:
        """Note how many partitions are held."""
        self._held = count
        self._metrics.holding(self._group, count)

    def ended(self, assignment: int) -> None:
        """Pass on that an assignment ended."""
        self._on_ended(assignment)

    def departed(self, departure: Departure) -> None:
        """Say why the consumer left."""
        self._left = departure
        self._metrics.departed(self._group, departure.reason)
        tell = log.critical if departure.error.is_final else log.error
        tell("the consumer left its group", group=self._group, reason=departure.reason, error=str(departure.error))

    def placed(self, placement: Placement) -> None:
        """Say loudly what is gone; a group that reads a partition for the first time is worth a word."""
        where = {"topic": placement.partition.topic, "partition": placement.partition.number, "start": placement.start}
        if placement.error is None:
            log.debug("a partition is read from its beginning", group=self._group, **where)
            return
        self._lost += placement.lost
        self._metrics.lost_to_retention(placement.partition.topic, placement.partition.number, placement.lost)
        log.critical(
            "records are gone",
            group=self._group,
            **where,
            asked=placement.asked,
            lost=placement.lost,
            error=str(placement.error),
        )

    @property
    def status(self) -> Mapping[str, Any]:
        """What ``/status`` tells."""
        left = self._left
        return {
            "partitions": self._held,
            "left": None
            if left is None
            else {"reason": left.reason, "why": str(left.error), "at": left.at.isoformat()},
            "lost_to_retention": self._lost,
        }

"""Reading: order records as they come from Kafka, each counted or passed over, never a reason to stop."""

from __future__ import annotations

from typing import Final

import structlog
from farandole import Codec
from farandole.delivery import Record
from farandole.engine.intake import Intake
from farandole.errors import ContractError, UndecodableError
from farandole.metrics import Metrics
from farandole_events.orders import OrderPlaced
from prometheus_client import Counter

from farandole_analytics.tally import Tally, Verdict

log = structlog.get_logger(__name__)

HEARD = OrderPlaced.avro.fullname
MOST_LINES: Final = 1_000
"""Of one order. A minute's figures are one record of the table's log, and a record has its size."""


def passed_over(metrics: Metrics) -> Counter:
    """Return the metric of the orders that no figure holds; one a process, for all generations."""
    return Counter(
        "farandole_analytics_passed_over",
        "Orders that are in no figure: unreadable, of too many lines, or late beyond the minutes that are kept.",
        ("reason",),
        registry=metrics.registry,
    )


class Reading:
    """Takes records of the orders topic, of which it hears OrderPlaced."""

    def __init__(self, tally: Tally, *, intake: Intake, codec: Codec, metrics: Metrics, passed_over: Counter) -> None:
        self._tally = tally
        self._intake = intake
        self._codec = codec
        self._metrics = metrics
        self._passed_over = passed_over
        self.position: dict[tuple[str, int], int] = {}
        """The offset that comes next, by topic and partition, of those of which anything was taken."""
        self.late = 0
        self.unreadable = 0

    def take(self, record: Record) -> bool:
        """Count a record, and return whether the table changed. An unreadable one is logged and counted as such."""
        lies = record.coordinates
        changed = self._taken(record)
        self.position[lies.topic, lies.partition] = lies.offset + 1
        return changed

    def _taken(self, record: Record) -> bool:
        delivery = self._intake.delivery(record)
        if delivery.envelope.type != HEARD:
            return False
        try:
            order = self._codec.decode(record.value or b"", OrderPlaced)
        except (UndecodableError, ContractError) as error:
            self.unreadable += 1
            self._passed_over.labels("unreadable").inc()
            log.warning("an order cannot be read", coordinates=str(record.coordinates), reason=str(error))
            return False
        if len(order.lines) > MOST_LINES:
            self._passed_over.labels("too many lines").inc()
            log.warning("an order has too many lines", coordinates=str(record.coordinates), lines=len(order.lines))
            return False
        match self._tally.take(order, delivery):
            case Verdict.COUNTED:
                self._metrics.handled(HEARD)
                return True
            case Verdict.DUPLICATE:
                self._metrics.dropped(HEARD)
            case Verdict.LATE:
                self.late += 1
                self._passed_over.labels("late").inc()
        return False

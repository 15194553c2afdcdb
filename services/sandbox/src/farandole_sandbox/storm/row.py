"""Row: the figures of one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from farandole_sandbox.storm.count import Counted
from farandole_sandbox.storm.traffic import Traffic
from farandole_sandbox.storm.way import Way


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way: the gateway's side of it, and what became of the orders. ``back`` is when the outage ended (epoch)."""

    way: Way
    orders: int
    traffic: Traffic
    counted: Counted
    back: float

    @property
    def drained(self) -> float:
        """How many seconds after the outage the last answer came."""
        return round(max(0.0, self.counted.last - self.back), 1)

    def document(self) -> dict[str, Any]:
        """Return the figures for programs."""
        return {
            "way": self.way.value,
            "orders": self.orders,
            "calls": self.traffic.calls,
            "calls_during_outage": self.traffic.during,
            "calls_taken": self.traffic.taken,
            "calls_refused_after": self.traffic.refused,
            "peak_calls_per_second_after": self.traffic.peak,
            "peak_taken_per_second": self.traffic.peak_taken,
            "drained_after_seconds": self.drained,
            "answered": self.counted.answered,
            "dead_letters": self.counted.dead,
            "lost": self.counted.lost,
            "doubled": self.counted.doubled,
        }

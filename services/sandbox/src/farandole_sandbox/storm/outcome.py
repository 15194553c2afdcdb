"""Outcome: the rows side by side, and whether the mesh kept its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from farandole.breaker import Dependency
from farandole.cli.output import print_table

from farandole_sandbox.storm.bar import Bar, bars_of
from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.row import Row
from farandole_sandbox.storm.way import Way

COLUMNS: Final = (
    "",
    "calls in the outage",
    "peak calls/s after",
    "refused after",
    "drained in",
    "dead",
    "lost",
    "doubled",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a storm. ``gateway`` is the dependency as the payments service declares it."""

    plan: Plan
    gateway: Dependency
    rows: Sequence[Row]

    @property
    def bars(self) -> Sequence[Bar]:
        """What is asked of the mesh; nothing where it was not played."""
        return [bar for row in self.rows if row.way is Way.MESH for bar in bars_of(row, self.plan, self.gateway)]

    @property
    def is_good(self) -> bool:
        """Whether the mesh kept to every bar."""
        return all(bar.holds for bar in self.bars)

    def document(self) -> dict[str, Any]:
        """Return the outcome as one document."""
        return {
            "orders": self.plan.orders,
            "outage_seconds": self.plan.outage.total_seconds(),
            "rate": self.plan.rate,
            "ways": [row.document() for row in self.rows],
            "bars": [bar.document() for bar in self.bars],
            "kept": self.is_good,
        }

    def show(self) -> None:
        """Print a table to read, and which bars do not hold below it."""
        title = f"storm: {self.plan.orders:,} orders, {self.plan.outage.total_seconds():g} s without a gateway,"
        print_table(f"{title} then {self.plan.rate:,} calls/s", COLUMNS, [_line(row) for row in self.rows])
        broken = [(str(bar),) for bar in self.bars if not bar.holds]
        if broken:
            print_table("the mesh does not keep its promise", ("",), broken)


def _line(row: Row) -> Sequence[str]:
    traffic, counted = row.traffic, row.counted
    return (
        row.way.spoken,
        f"{traffic.during:,}",
        f"{traffic.peak:,}",
        f"{traffic.refused:,}",
        f"{row.drained:,.1f} s",
        f"{counted.dead:,}",
        f"{counted.lost:,}",
        f"{counted.doubled:,}",
    )

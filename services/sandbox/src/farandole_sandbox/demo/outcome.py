"""Outcome: what came of a demo, as one document and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from farandole.cli.output import print_table

from farandole_sandbox.demo.audit.audit import Audit
from farandole_sandbox.demo.audit.order_rules import ENDS
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.shop import Receipts

_MOST_SHOWN: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a demo. ``dropped`` counts duplicates since each service's last start; ``troubles`` are in words."""

    receipts: Receipts
    books: Books
    audit: Audit
    dropped: int
    troubles: Sequence[str] = ()

    @property
    def ends(self) -> Mapping[str, tuple[str, float]]:
        """How each order ended, and when its event was appended, in seconds since the epoch."""
        found: dict[str, tuple[str, float]] = {}
        for placed in self.receipts.placed:
            for status, event_type in ENDS.items():
                for event in self.books.of(placed.order_id, event_type):
                    found[placed.order_id] = status, event.appended
        return found

    @property
    def is_good(self) -> bool:
        """Whether the audit balances, no order is open or parked, and everything went as it should."""
        as_it_should = self.audit.balances and not self.audit.parked and not self.troubles
        return as_it_should and len(self.ends) == len(self.receipts.placed)

    def document(self) -> dict[str, Any]:
        """Return the outcome as it is printed for programs. Durations are milliseconds, ``seconds`` apart."""
        ends, placed = self.ends, self.receipts.placed
        ways = [way for way, _ in ends.values()]
        last = max((appended for _, appended in ends.values()), default=self.receipts.began)
        document = {
            "orders": len(placed),
            "completed": ways.count("completed"),
            "cancelled": ways.count("cancelled"),
            "open": len(placed) - len(ends),
            "events": len(self.books.events),
            "duplicates_dropped": self.dropped,
            "retries": len(self.books.retries),
            "dead_letters": len(self.books.dead),
            "seconds": round(last - self.receipts.began, 3),
            "accept_ms": _spread([one.took for one in placed]),
            "order_to_terminal_ms": _spread(
                [ends[one.order_id][1] - one.accepted for one in placed if one.order_id in ends]
            ),
            "audit": dict(self.audit.counts),
        }
        return document if self.is_good else {**document, "details": self.details()}

    def details(self) -> list[str]:
        """Return, in words, everything that is not as it should be."""
        dead = [f"dead letter: {service} gave up {event}" for service, event in self.books.dead]
        findings = [f"{finding.kind}: {finding.what} ({finding.rule})" for finding in self.audit.findings]
        parked = [f"parked: {finding.what} ({finding.rule})" for finding in self.audit.parked]
        return [*self.troubles, *findings, *dead, *parked]

    def show(self) -> None:
        """Print a table to read, and what is wrong below it."""
        print_table("demo", ("", ""), self._lines())
        details = self.details()
        if details:
            print_table("what is wrong", ("",), [(line,) for line in details[:_MOST_SHOWN]])
        if len(details) > _MOST_SHOWN:
            print_table("", ("",), [(f"… and {len(details) - _MOST_SHOWN} more; --json names them all",)])

    def _lines(self) -> Sequence[tuple[str, str]]:
        told, receipts, records = self.document(), self.receipts, self.books.records
        ended = f"{told['completed']} completed, {told['cancelled']} cancelled, {told['open']} open"
        tried = f"{receipts.refused} malformed refused, {receipts.wished} cancellations asked for"
        twice = len(records) - len(self.books.events)
        return (
            ("orders", f"{told['orders']}: {ended}"),
            ("requests", f"{tried}, {receipts.resent} sent again because nobody answered"),
            ("events", f"{told['events']} in {len({event.topic for event in records})} topics, {twice} of them twice"),
            ("duplicates dropped", f"{told['duplicates_dropped']} since each service's last start"),
            ("retries, dead letters", f"{told['retries']}, {told['dead_letters']}"),
            ("seconds", f"{told['seconds']} from the first request to the last order's end"),
            ("accepted in", _milliseconds(told["accept_ms"])),
            ("ended in", _milliseconds(told["order_to_terminal_ms"])),
            ("effects outside", str(len(self.books.effects))),
            ("audit", ", ".join(f"{count} {kind}" for kind, count in told["audit"].items())),
        )


def _milliseconds(spread: Mapping[str, float]) -> str:
    return f"{spread['p50']:g} ms (p50), {spread['p99']:g} ms (p99)"


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(seconds, 50), "p99": percentile(seconds, 99)}


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Return, in milliseconds, the least duration that so many percent do not exceed; 0 where there is none."""
    if not seconds:
        return 0.0
    rank = max(1, math.ceil(len(seconds) * percent / 100))
    return round(sorted(seconds)[rank - 1] * 1000, 1)

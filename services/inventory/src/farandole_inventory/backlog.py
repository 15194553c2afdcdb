"""Backlog: which of the waiting orders can have their goods. Pure; strictly by age, a product at a time.

The units of a product belong to the waiting orders in the order of their age. An order is supplied when every one of
its lines is covered, that is when the product has enough for it *and for every older order that waits for the same
product*. So an order never overtakes an older one on a product that both want, a large order cannot starve behind
small ones, and orders that share no product do not hold each other up. The price is that units may lie there for an
old order which still misses another product; they are ordered for by then (`replenishment`), so it does not last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLine:
    """One line of an order that waits. ``position`` is the order's age: the smaller, the older."""

    position: int
    order_id: str
    product_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """The lines of one waiting order, and those of them that stock does not cover yet."""

    order_id: str
    lines: tuple[WaitingLine, ...]
    uncovered: tuple[WaitingLine, ...]

    @property
    def complete(self) -> bool:
        """Whether the whole order can be supplied."""
        return not self.uncovered


def coverages(available: Mapping[str, int], waiting: Iterable[WaitingLine]) -> tuple[Coverage, ...]:
    """Return the coverage of every waiting order, oldest first.

    ``waiting`` must hold every waiting line of each product in ``available``, and ``available`` every product of
    ``waiting``. Supplying the complete ones does not change the coverage of the others.
    """
    claimed: defaultdict[str, int] = defaultdict(int)
    lines: defaultdict[str, list[WaitingLine]] = defaultdict(list)
    uncovered: defaultdict[str, list[WaitingLine]] = defaultdict(list)
    for line in sorted(waiting, key=lambda line: (line.position, line.product_id)):
        claimed[line.product_id] += line.quantity
        lines[line.order_id].append(line)
        if claimed[line.product_id] > available[line.product_id]:
            uncovered[line.order_id].append(line)
    return tuple(
        Coverage(order_id=order_id, lines=tuple(own), uncovered=tuple(uncovered[order_id]))
        for order_id, own in lines.items()
    )

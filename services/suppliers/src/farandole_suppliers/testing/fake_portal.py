"""FakePortal: a supplier portal in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from farandole.outside import OutsideAwayError, OutsideRefusedError

from farandole_suppliers.portal import PurchaseOrder

Asked: TypeAlias = tuple[str, str, int, str]
"""Supplier, product, quantity, shortage."""

EXPECTED: Final = datetime(2026, 2, 1, tzinfo=UTC)
OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the order was taken."""


@dataclass(kw_only=True)
class FakePortal:
    """Takes orders as a supplier does. ``faults`` strike the next calls, one each."""

    faults: deque[str] = field(default_factory=deque)
    calls: list[Asked] = field(default_factory=list)
    taken: dict[str, Asked] = field(default_factory=dict)
    _by_key: dict[str, tuple[Asked, PurchaseOrder]] = field(default_factory=dict)

    async def order(
        self, supplier_id: str, product_id: str, quantity: int, *, shortage_id: str, idempotency_key: str
    ) -> PurchaseOrder:
        """See SupplierPortal."""
        asked = (supplier_id, product_id, quantity, shortage_id)
        self.calls.append(asked)
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _away()
        answer = self._once(asked, idempotency_key)
        if fault == LOST_ANSWER:
            raise _away()
        return answer

    def _once(self, asked: Asked, key: str) -> PurchaseOrder:
        if key not in self._by_key:
            number = f"po_{len(self.taken) + 1}"
            self.taken[number] = asked
            self._by_key[key] = (asked, PurchaseOrder(purchase_order_id=number, expected_at=EXPECTED))
        first, answer = self._by_key[key]
        if first != asked:
            raise OutsideRefusedError("the supplier portal refused", why="the key came before with another order")
        return answer


def _away() -> OutsideAwayError:
    return OutsideAwayError("the supplier portal did not answer", why="a fault was ordered")

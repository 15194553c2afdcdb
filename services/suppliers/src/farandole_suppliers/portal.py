"""SupplierPortal: what we ask of a supplier, whoever it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class PurchaseOrder:
    """A purchase order that a supplier took. ``expected_at`` (with a zone) is when it means to deliver, if it says."""

    purchase_order_id: str
    expected_at: datetime | None = None


class SupplierPortal(Protocol):
    """Where suppliers take orders. An order is taken once for each idempotency key, and its answer repeated.

    The goods are announced later, by a webhook that names the purchase order. May raise OutsideAwayError (ask again
    with the same key: it may have been taken), OutsideRefusedError (asking again cannot help), or `farandole.Retry`
    where the supplier says when to ask again. Safe for concurrent use.
    """

    async def order(
        self, supplier_id: str, product_id: str, quantity: int, *, shortage_id: str, idempotency_key: str
    ) -> PurchaseOrder:
        """Order ``quantity`` units (at least 1) of a product, to end one shortage."""
        ...

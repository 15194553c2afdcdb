"""What the suppliers service does when a product is low."""

from __future__ import annotations

from typing import Final

import structlog
from farandole import Delivery, Reject, UnitOfWork
from farandole.identity import follow_on_id
from farandole_events import PurchaseOrderSent, StockLow

from farandole_suppliers.book import PurchaseBook
from farandole_suppliers.portal import SupplierPortal

SERVICE: Final = "suppliers"

log = structlog.get_logger(__name__)


async def order_more(
    low: StockLow, portal: SupplierPortal, book: PurchaseBook, work: UnitOfWork, delivery: Delivery
) -> PurchaseOrderSent | None:
    """Send the supplier one purchase order for the shortage, unless goods of this product are on their way already.

    Then nothing is lost: when those goods arrive, the inventory asks again for what is still missing. The key to the
    supplier is the shortage, so one shortage is one purchase order, however often and by whatever event it is told.
    """
    if low.wanted < 1:
        raise Reject(f"shortage {low.shortage_id} wants {low.wanted} units: nothing can be ordered")
    sent_id = follow_on_id(
        cause=delivery.event_id, service=SERVICE, event_type=PurchaseOrderSent.avro.fullname, ordinal=0
    )
    if not await book.intend(low, flow=delivery.envelope.correlation_id, cause=sent_id):
        log.info("goods of this product are on their way already", product=low.product_id, shortage=low.shortage_id)
        return None
    taken = await portal.order(
        low.supplier_id, low.product_id, low.wanted, shortage_id=low.shortage_id, idempotency_key=low.shortage_id
    )
    await book.sent(work, low.shortage_id, taken)
    return PurchaseOrderSent(
        product_id=low.product_id,
        purchase_order_id=taken.purchase_order_id,
        supplier_id=low.supplier_id,
        quantity=low.wanted,
        shortage_id=low.shortage_id,
        expected_at=taken.expected_at,
    )

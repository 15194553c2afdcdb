"""Happenings: the events that move an inventory, with only what matters to it left to say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from farandole_events import Address, GoodsReceived, OrderCancelled, OrderLine, OrderPlaced

DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMER: Final = "VINET"


def order_placed(order_id: str, *more: tuple[str, int], **units: int) -> OrderPlaced:
    """Return an order: ``order_placed("o-1", chai=5)``; a line that keywords cannot say is given as ``("1", 5)``."""
    lines = tuple(
        OrderLine(product_id=product, product_name=product, quantity=number, unit_price_cents=100, total_cents=100)
        for product, number in (*units.items(), *more)
    )
    return OrderPlaced(
        order_id=order_id,
        customer_id=CUSTOMER,
        reference=order_id,
        order_date=DAY,
        lines=lines,
        total_cents=100 * len(lines),
        currency="USD",
        ship_to=Address(name="Vins et alcools", street="59 rue de l'Abbaye", city="Reims", country="France"),
        carrier="3",
        payment_token="tok_visa",  # noqa: S106 - a test card
    )


def order_cancelled(order_id: str) -> OrderCancelled:
    """Return an order's cancellation."""
    return OrderCancelled(order_id=order_id, customer_id=CUSTOMER, reason="changed my mind", cause="customer")


def goods_received(purchase_order_id: str, product_id: str, quantity: int) -> GoodsReceived:
    """Return the arrival of a purchase order's goods."""
    return GoodsReceived(
        product_id=product_id,
        purchase_order_id=purchase_order_id,
        supplier_id="exotic",
        quantity=quantity,
        received_at=DAY,
    )

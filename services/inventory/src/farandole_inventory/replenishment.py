"""Replenishment: when goods are ordered, and how many. Pure."""

from __future__ import annotations

from farandole.identity import derived_id
from farandole_events import StockLow

from farandole_inventory.decision import MOST_UNITS
from farandole_inventory.product import Product


def low(product: Product, *, cause: str, headroom: int) -> StockLow | None:
    """Return the news that a product is low, unless it is not, or goods are under way, or it is discontinued.

    It is low when what is free of it, after everything that waits, is at its reorder level or below. What is wanted
    serves every waiting order and then fills the stock up to ``headroom`` above the reorder level.

    Args:
        product: the product as it is after the movement that is looked at.
        cause: the id of the event that moved it: the same event names the same shortage, however often it is tried.
        headroom: units above the reorder level; at least 1.
    """
    if product.discontinued or product.shortage_id is not None or product.free > product.reorder_level:
        return None
    return StockLow(
        product_id=product.product_id,
        product_name=product.name,
        supplier_id=product.supplier_id,
        available=min(product.available, MOST_UNITS),
        reorder_level=product.reorder_level,
        wanted=min(product.reorder_level + headroom - product.free, MOST_UNITS),
        shortage_id=derived_id("shortage", cause, product.product_id),
    )

"""Links: where an order's pages are."""

from __future__ import annotations


def page_of(order_id: str) -> str:
    """Return the path of an order."""
    return f"/orders/{order_id}"


def links_of(order_id: str) -> dict[str, str]:
    """Return what can be asked of an order, by name."""
    return {"self": page_of(order_id), "cancellation": f"{page_of(order_id)}/cancellation"}

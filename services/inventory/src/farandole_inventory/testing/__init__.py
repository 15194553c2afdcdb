"""Testing: the events that move an inventory, short to write, and the check that its books balance."""

from farandole_inventory.testing.balance import imbalances
from farandole_inventory.testing.happenings import goods_received, order_cancelled, order_placed

__all__ = ["goods_received", "imbalances", "order_cancelled", "order_placed"]

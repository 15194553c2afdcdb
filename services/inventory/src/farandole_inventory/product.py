"""Product: what is known about the stock of one product, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """What is added to the counts of one product; ``waiting`` may be negative, the others never are."""

    product_id: str
    received: int = 0
    reserved: int = 0
    released: int = 0
    waiting: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """The stock of one product, in units.

    ``waiting`` is what backordered orders ask for. ``shortage_id`` names the shortage for which goods are under way,
    if there is one: a product has at most one open replenishment.
    """

    product_id: str
    name: str
    supplier_id: str
    initial: int
    received: int = 0
    reserved: int = 0
    released: int = 0
    waiting: int = 0
    reorder_level: int
    discontinued: bool = False
    shortage_id: str | None = None

    @property
    def available(self) -> int:
        """The units that no reservation holds; never negative."""
        return self.initial + self.received - self.reserved + self.released

    @property
    def free(self) -> int:
        """The units for which no order waits, so that a new one may have them. Negative when goods are missing."""
        return self.available - self.waiting

    def moved(self, movement: Movement) -> Product:
        """Return the product after a movement."""
        return replace(
            self,
            received=self.received + movement.received,
            reserved=self.reserved + movement.reserved,
            released=self.released + movement.released,
            waiting=self.waiting + movement.waiting,
        )

"""WarehouseSystem: what the warehouse asks of the system that runs its floor, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from farandole_events import Address, StockLine


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """What was packed for one order."""

    package_id: str
    parcels: int
    weight_grams: int | None


class WarehouseSystem(Protocol):
    """The system on the warehouse floor. Does its work once for each idempotency key, then repeats its answer.

    May raise farandole.outside.OutsideAwayError (ask again, with the same key), OutsideRefusedError (asking again
    cannot help) or `farandole.Retry`. Safe for concurrent use.
    """

    async def pack(
        self, order_id: str, lines: tuple[StockLine, ...], ship_to: Address, carrier: str, *, idempotency_key: str
    ) -> Package:
        """Have an order packed, and return its package."""
        ...

"""Carriers: what shipping asks of those who carry parcels, whoever they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from farandole_events import OrderPacked


@dataclass(frozen=True, kw_only=True, slots=True)
class Consignment:
    """Parcels that a carrier has taken over."""

    shipment_id: str
    tracking_number: str
    dispatched_at: datetime


class Carriers(Protocol):
    """The carriers. They take a consignment over once for each idempotency key, then repeat their answer.

    May raise farandole.outside.OutsideAwayError (ask again, with the same key), OutsideRefusedError (asking again
    cannot help) or `farandole.Retry`. Safe for concurrent use.
    """

    async def hand_over(self, packed: OrderPacked, *, idempotency_key: str) -> Consignment:
        """Hand a packed order to the carrier that it names."""
        ...

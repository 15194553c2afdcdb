"""GoodsMessage: what a supplier tells when goods arrive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from farandole.http.signed_message import Id, Words

Units = Annotated[int, msgspec.Meta(gt=0, le=2**31 - 1)]


class GoodsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a supplier's webhook: ``quantity`` units came ``at`` a moment (with a zone), many or few."""

    purchase_order_id: Id
    product_id: Words
    quantity: Units
    at: Annotated[datetime, msgspec.Meta(tz=True)]

    def __post_init__(self) -> None:
        """Refuse a moment that in UTC lies outside the years 1 to 9999: no column keeps it."""
        try:
            self.at.astimezone(UTC)
        except OverflowError:
            raise ValueError("`at` is too close to the edge of time") from None

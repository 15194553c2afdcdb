"""GoodsMessage: what a supplier tells when goods arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Units = Annotated[int, msgspec.Meta(gt=0, le=2**31 - 1)]


class GoodsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a supplier's webhook: ``quantity`` units came ``at`` a moment (with a zone), many or few."""

    purchase_order_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    product_id: str
    quantity: Units
    at: Annotated[datetime, msgspec.Meta(tz=True)]

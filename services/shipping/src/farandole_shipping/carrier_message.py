"""CarrierMessage: what a carrier tells of a shipment, and the event that it becomes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from farandole.http.signed_message import Id, Words
from farandole_events import ShipmentDelivered, ShipmentReturned


class End(StrEnum):
    """What became of a shipment."""

    DELIVERED = "delivered"
    RETURNED = "returned"


class CarrierMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a carrier's webhook: ``at`` is a moment with a zone, ``reason`` comes with a return."""

    order_id: Id
    shipment_id: Id
    type: End
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: Words = "returned to sender"


def event_of(message: CarrierMessage, *, tracking_number: str) -> ShipmentDelivered | ShipmentReturned:
    """Return the event that the message becomes."""
    if message.type is End.DELIVERED:
        return ShipmentDelivered(
            order_id=message.order_id,
            shipment_id=message.shipment_id,
            tracking_number=tracking_number,
            delivered_at=message.at,
        )
    return ShipmentReturned(
        order_id=message.order_id,
        shipment_id=message.shipment_id,
        tracking_number=tracking_number,
        reason=message.reason,
        returned_at=message.at,
    )

"""CarrierMessage: what a carrier tells of a shipment, and the event that it becomes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from farandole_events import ShipmentDelivered, ShipmentReturned


class End(StrEnum):
    """What became of a shipment."""

    DELIVERED = "delivered"
    RETURNED = "returned"


class CarrierMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a carrier's webhook. ``reason`` comes with a return."""

    id: str
    order_id: str
    shipment_id: str
    tracking_number: str
    type: End
    at: datetime
    reason: str = "returned to sender"


def event_of(message: CarrierMessage) -> ShipmentDelivered | ShipmentReturned:
    """Return the event that the message becomes."""
    if message.type is End.DELIVERED:
        return ShipmentDelivered(
            order_id=message.order_id,
            shipment_id=message.shipment_id,
            tracking_number=message.tracking_number,
            delivered_at=message.at,
        )
    return ShipmentReturned(
        order_id=message.order_id,
        shipment_id=message.shipment_id,
        tracking_number=message.tracking_number,
        reason=message.reason,
        returned_at=message.at,
    )

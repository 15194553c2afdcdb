"""Dispatching: a packed order is handed to its carrier, once."""

from __future__ import annotations

from farandole import Delivery, UnitOfWork
from farandole_events import OrderPacked, ShipmentDispatched

from farandole_shipping.carrier import Carriers
from farandole_shipping.tables import shipments


async def order_was_packed(
    packed: OrderPacked, carriers: Carriers, work: UnitOfWork, delivery: Delivery
) -> ShipmentDispatched:
    """Hand the order's parcels to the carrier; the key is the order's own, so it is taken over once."""
    taken = await carriers.hand_over(packed, idempotency_key=f"ship:{packed.order_id}")
    shipment = {
        "order_id": packed.order_id,
        "shipment_id": taken.shipment_id,
        "tracking_number": taken.tracking_number,
        "carrier": packed.carrier,
        "flow": delivery.envelope.correlation_id,
        "cause": delivery.event_id,
        "dispatched_at": taken.dispatched_at,
        "end": None,
    }
    await work.execute(work.insert(shipments).values(shipment).on_conflict_do_nothing())
    return ShipmentDispatched(
        order_id=packed.order_id,
        shipment_id=taken.shipment_id,
        tracking_number=taken.tracking_number,
        carrier=packed.carrier,
        customer_id=packed.customer_id,
        dispatched_at=taken.dispatched_at,
    )

"""Dispatching: a packed order is handed to its carrier, once."""

from __future__ import annotations

from typing import Final

from farandole import Delivery, Reject, Store, UnitOfWork
from farandole.identity import follow_on_id
from farandole_events import OrderPacked, ShipmentDispatched
from sqlalchemy import select

from farandole_shipping.carrier import Carriers
from farandole_shipping.tables import shipments

SERVICE: Final = "shipping"


async def order_was_packed(
    packed: OrderPacked, carriers: Carriers, store: Store, work: UnitOfWork, delivery: Delivery
) -> ShipmentDispatched | None:
    """Hand the order's parcels to the carrier; the key is the order's own, so it is taken over once.

    Whoever writes the order's row tells of it. A second OrderPacked of the order, under another id, tells nothing; one
    of another package is for people to look at.
    """
    if await _left_before(store, packed):
        return None
    taken = await carriers.hand_over(packed, idempotency_key=f"ship:{packed.order_id}")
    dispatched_id = follow_on_id(
        cause=delivery.event_id, service=SERVICE, event_type=ShipmentDispatched.avro.fullname, ordinal=0
    )
    shipment = {
        "order_id": packed.order_id,
        "package_id": packed.package_id,
        "shipment_id": taken.shipment_id,
        "tracking_number": taken.tracking_number,
        "carrier": packed.carrier,
        "flow": delivery.envelope.correlation_id,
        "cause": dispatched_id,
        "dispatched_at": taken.dispatched_at,
    }
    own = shipments.c.order_id
    insert = work.insert(shipments).values(shipment).on_conflict_do_nothing(index_elements=[own]).returning(own)
    if (await work.execute(insert)).first() is None:
        return None
    return ShipmentDispatched(
        order_id=packed.order_id,
        shipment_id=taken.shipment_id,
        tracking_number=taken.tracking_number,
        carrier=packed.carrier,
        customer_id=packed.customer_id,
        dispatched_at=taken.dispatched_at,
    )


async def _left_before(store: Store, packed: OrderPacked) -> bool:
    """Say whether the order has left. Asked before the carrier, which may have forgotten the key after a long time."""
    async with store.reading() as work:
        left_as = await work.scalar(select(shipments.c.package_id).where(shipments.c.order_id == packed.order_id))
    if left_as is not None and left_as != packed.package_id:
        raise Reject(f"order {packed.order_id} left as package {left_as}: {packed.package_id} is packed for nobody")
    return left_as is not None

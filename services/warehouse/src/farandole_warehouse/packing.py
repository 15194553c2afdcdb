"""Packing: the join of stock and money. Whichever half comes last has the order packed.

The decision to pack is a commit of its own, before the warehouse system is asked: from then on a cancellation is
refused, so an order is never both packed and cancelled. The delivery that decided goes on with the packing, however
often it has to come back for it; the warehouse system is asked with the order's own key, so it packs once.
"""

from __future__ import annotations

from farandole import Delivery, FollowOn, Store, UnitOfWork
from farandole_events import OrderPacked, PaymentAuthorised, StockReserved

from farandole_warehouse.floor import Fulfilment, begin_packing, note_authorised, note_packed, note_reserved
from farandole_warehouse.wms import WarehouseSystem


async def stock_was_reserved(
    reserved: StockReserved, wms: WarehouseSystem, store: Store, work: UnitOfWork, delivery: Delivery
) -> FollowOn[OrderPacked] | None:
    """Pack the order if its money is there as well; otherwise wait for it."""
    async with store.transaction() as deciding:
        await note_reserved(deciding, reserved)
        fulfilment = await begin_packing(deciding, reserved.order_id, delivery.event_id)
    return await _pack(fulfilment, wms, work, delivery)


async def payment_was_authorised(
    authorised: PaymentAuthorised, wms: WarehouseSystem, store: Store, work: UnitOfWork, delivery: Delivery
) -> FollowOn[OrderPacked] | None:
    """Pack the order if its stock is there as well; otherwise wait for it."""
    async with store.transaction() as deciding:
        await note_authorised(deciding, authorised.order_id)
        fulfilment = await begin_packing(deciding, authorised.order_id, delivery.event_id)
    return await _pack(fulfilment, wms, work, delivery)


async def _pack(
    fulfilment: Fulfilment, wms: WarehouseSystem, work: UnitOfWork, delivery: Delivery
) -> FollowOn[OrderPacked] | None:
    reserved = fulfilment.reservation
    if reserved is None or not fulfilment.packing_belongs_to(delivery.event_id):
        return None
    package = await wms.pack(
        reserved.order_id,
        reserved.lines,
        reserved.ship_to,
        reserved.carrier,
        idempotency_key=f"pack:{reserved.order_id}",
    )
    await note_packed(work, reserved.order_id, package)
    packed = OrderPacked(
        order_id=reserved.order_id,
        package_id=package.package_id,
        parcels=package.parcels,
        weight_grams=package.weight_grams,
        lines=reserved.lines,
        ship_to=reserved.ship_to,
        carrier=reserved.carrier,
        customer_id=reserved.customer_id,
    )
    return FollowOn(event=packed, join=reserved.order_id)

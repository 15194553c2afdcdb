"""What the inventory does when goods arrive."""

from __future__ import annotations

from datetime import datetime

from farandole import Clock, Delivery, FollowOn, Reject, UnitOfWork
from farandole_events import GoodsReceived, StockLow, StockReserved

from farandole_inventory.allocation import allocate, lock_with_rivals
from farandole_inventory.product import Movement
from farandole_inventory.shelves import Shelves
from farandole_inventory.tables import goods_receipts


async def put_away(
    goods: GoodsReceived, shelves: Shelves, clock: Clock, work: UnitOfWork, delivery: Delivery
) -> tuple[FollowOn[StockReserved] | StockLow, ...]:
    """Count the goods, give them to the orders that wait, and order again what is still short.

    The goods of a purchase order are counted once, also where they are told of under two event ids.
    """
    if goods.quantity < 1:
        raise Reject(f"purchase order {goods.purchase_order_id} brings {goods.quantity} units: nothing can be counted")
    products = await lock_with_rivals(work, shelves, [goods.product_id])
    if goods.product_id not in products:
        raise Reject(f"product {goods.product_id} is not in stock: add it to the table stock, then redrive")
    now = clock.now()
    if not await _is_first(work, goods, event_id=delivery.event_id, now=now):
        return ()
    closed = await shelves.close_shortage(
        work, products[goods.product_id], purchase_order_id=goods.purchase_order_id, now=now
    )
    counted = Movement(product_id=goods.product_id, received=goods.quantity)
    moved = await shelves.move(work, {**products, goods.product_id: closed}, [counted])
    left, reserved = await allocate(work, shelves, moved, [goods.product_id], now=now)
    # Only the goods' own product can be low now: what is set aside for an order was not free before either.
    news = await shelves.open_shortages(work, [left[goods.product_id]], cause=delivery.event_id, now=now)
    return (*reserved, *news)


async def _is_first(work: UnitOfWork, goods: GoodsReceived, *, event_id: str, now: datetime) -> bool:
    row = work.insert(goods_receipts).values(
        purchase_order_id=goods.purchase_order_id,
        product_id=goods.product_id,
        quantity=goods.quantity,
        event_id=event_id,
        received_at=now,
    )
    return await work.scalar(row.on_conflict_do_nothing().returning(goods_receipts.c.purchase_order_id)) is not None

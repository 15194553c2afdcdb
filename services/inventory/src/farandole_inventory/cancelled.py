"""What the inventory does when an order is cancelled."""

from __future__ import annotations

from farandole import Clock, FollowOn, UnitOfWork
from farandole_events import OrderCancelled, StockReleased, StockReserved

from farandole_inventory.allocation import allocate, lock_with_rivals
from farandole_inventory.product import Movement
from farandole_inventory.reservations import become, enter, lines_of, reservation_id, state_of
from farandole_inventory.shelves import Shelves
from farandole_inventory.waiting_orders import take


async def release(
    order: OrderCancelled, shelves: Shelves, clock: Clock, work: UnitOfWork
) -> tuple[StockReleased | FollowOn[StockReserved], ...]:
    """Give back what the order holds, or end its wait; whoever waits for what became free is supplied.

    An order that was never seen leaves a tombstone: should it be placed after all, it gets nothing.
    """
    now = clock.now()
    if await enter(work, order.order_id, "cancelled", now=now) is not None:
        return ()
    lines = await lines_of(work, order.order_id)
    touched = [line.product_id for line in lines]
    products = await lock_with_rivals(work, shelves, touched)
    state = await state_of(work, order.order_id)
    if state not in {"held", "backordered"}:
        return ()
    if state == "held":
        released: tuple[StockReleased, ...] = (
            StockReleased(order_id=order.order_id, reservation_id=reservation_id(order.order_id), lines=lines),
        )
        movements = [Movement(product_id=line.product_id, released=line.quantity) for line in lines]
        await become(work, [order.order_id], "released", now=now)
    else:
        released = ()
        movements = [Movement(product_id=line.product_id, waiting=-line.quantity) for line in lines]
        await take(work, [order.order_id])
        await become(work, [order.order_id], "cancelled", now=now)
    moved = await shelves.move(work, products, movements)
    _, reserved = await allocate(work, shelves, moved, touched, now=now)
    return (*released, *reserved)

"""What the inventory does when an order has waited for goods long enough."""

from __future__ import annotations

from farandole import Clock, FollowOn, UnitOfWork
from farandole_events import StockLine, StockRejected, StockReserved

from farandole_inventory.allocation import allocate, lock_with_rivals, no_longer_waiting
from farandole_inventory.backlog import Coverage, coverages
from farandole_inventory.reservations import become
from farandole_inventory.settings import InventorySettings
from farandole_inventory.shelves import Shelves
from farandole_inventory.waiting_orders import WaitingOrder, due, products_of, take, waiting_for


async def end_waits(
    shelves: Shelves, settings: InventorySettings, clock: Clock, work: UnitOfWork
) -> tuple[FollowOn[StockRejected] | FollowOn[StockReserved], ...]:
    """Reject the orders whose deadline has passed; whoever waits behind them is supplied where that is possible now."""
    now = clock.now()
    overdue = await due(work, now, limit=settings.deadlines_at_once)
    if not overdue:
        return ()
    touched = await products_of(work, overdue)
    products = await lock_with_rivals(work, shelves, touched)
    available = {product_id: products[product_id].available for product_id in touched}
    coverage = {one.order_id: one for one in coverages(available, await waiting_for(work, touched))}
    ended = await take(work, overdue)
    gone = [line for order_id in ended for line in coverage[order_id].lines]
    moved = await shelves.move(work, products, no_longer_waiting(gone))
    await become(work, list(ended), "rejected", now=now)
    rejected = [_rejected(order, coverage[order.order_id]) for order in ended.values()]
    _, reserved = await allocate(work, shelves, moved, touched, now=now)
    return (*rejected, *reserved)


def _rejected(order: WaitingOrder, coverage: Coverage) -> FollowOn[StockRejected]:
    missing = tuple(StockLine(product_id=line.product_id, quantity=line.quantity) for line in coverage.uncovered)
    reason = f"the goods did not arrive by {order.deadline:%Y-%m-%d %H:%M} UTC"
    event = StockRejected(order_id=order.order_id, reason=reason, lines=missing)
    return FollowOn(event=event, flow=order.flow, causes=(order.cause,))

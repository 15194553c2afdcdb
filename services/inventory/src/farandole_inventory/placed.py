"""What the inventory does when an order is placed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from farandole import Clock, Delivery, UnitOfWork
from farandole_events import OrderPlaced, StockBackordered, StockLine, StockLow, StockRejected, StockReserved

from farandole_inventory.decision import Backorder, Decision, Refuse, Reserve, asked_for, decide, flaw
from farandole_inventory.product import Movement
from farandole_inventory.reservations import State, enter, enter_lines, exists, reservation_id
from farandole_inventory.settings import InventorySettings
from farandole_inventory.shelves import Shelves
from farandole_inventory.waiting_orders import keep_waiting


async def reserve(  # noqa: PLR0917 - injected, each by its type
    order: OrderPlaced,
    shelves: Shelves,
    settings: InventorySettings,
    clock: Clock,
    work: UnitOfWork,
    delivery: Delivery,
) -> tuple[StockReserved | StockBackordered | StockRejected | StockLow, ...]:
    """Set every line of the order aside, or none: then it waits for goods, or is rejected.

    An order that was decided about before, or cancelled before it came, changes nothing.
    """
    if await exists(work, order.order_id):
        return ()
    asked, wrong, now = asked_for(order.lines), flaw(order.lines), clock.now()
    products = {} if wrong else await shelves.lock(work, [line.product_id for line in asked])
    decision = Refuse(reason=wrong, lines=()) if wrong else decide(asked, products)
    position = await enter(work, order.order_id, _state(decision), now=now)
    if position is None:
        return ()
    if isinstance(decision, Refuse):
        return (StockRejected(order_id=order.order_id, reason=decision.reason, lines=decision.lines),)
    await enter_lines(work, order.order_id, asked)
    deadline = now + settings.backorder_deadline
    if isinstance(decision, Backorder):
        await keep_waiting(
            work,
            order,
            asked,
            position=position,
            deadline=deadline,
            flow=delivery.envelope.correlation_id,
            cause=delivery.event_id,
        )
    moved = await shelves.move(work, products, _movements(asked, decision))
    news = await shelves.open_shortages(work, moved.values(), cause=delivery.event_id, now=now)
    return (_answer(order, asked, decision, deadline), *news)


def _state(decision: Decision) -> State:
    match decision:
        case Reserve():
            return "held"
        case Backorder():
            return "backordered"
        case Refuse():
            return "rejected"


def _movements(asked: Sequence[StockLine], decision: Reserve | Backorder) -> tuple[Movement, ...]:
    if isinstance(decision, Reserve):
        return tuple(Movement(product_id=line.product_id, reserved=line.quantity) for line in asked)
    return tuple(Movement(product_id=line.product_id, waiting=line.quantity) for line in asked)


def _answer(
    order: OrderPlaced, asked: tuple[StockLine, ...], decision: Reserve | Backorder, deadline: datetime
) -> StockReserved | StockBackordered:
    if isinstance(decision, Backorder):
        return StockBackordered(
            order_id=order.order_id, customer_id=order.customer_id, missing=decision.missing, deadline=deadline
        )
    return StockReserved(
        order_id=order.order_id,
        reservation_id=reservation_id(order.order_id),
        customer_id=order.customer_id,
        lines=asked,
        ship_to=order.ship_to,
        carrier=order.carrier,
    )

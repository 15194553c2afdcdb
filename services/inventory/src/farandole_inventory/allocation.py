"""Allocation: gives stock that became free to the orders that wait for it, the oldest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from farandole import FollowOn, UnitOfWork
from farandole_events import StockLine, StockReserved
from sqlalchemy import text

from farandole_inventory.backlog import Coverage, WaitingLine, coverages
from farandole_inventory.product import Movement, Product
from farandole_inventory.reservations import become, reservation_id
from farandole_inventory.shelves import Shelves
from farandole_inventory.waiting_orders import WaitingOrder, rivals, take, waiting_for

_REMEMBER: Final = text("SAVEPOINT before_locking")
_LET_GO: Final = text("ROLLBACK TO SAVEPOINT before_locking")


async def lock_with_rivals(work: UnitOfWork, shelves: Shelves, touched: Iterable[str]) -> dict[str, Product]:
    """Lock products, together with every product that an order which waits for one of them waits for as well.

    What must be locked is found out before anything is locked, so that all are locked in order. On PostgreSQL an order
    may begin to wait in between. Then everything is let go and locked again, with what that order adds: to lock more
    on top would be out of order, and under load that deadlocks. Nobody can begin to wait for a product that is locked.
    """
    own = frozenset(touched)
    needed = await _with_rivals(work, own)
    if work.dialect == "sqlite":
        return await shelves.lock(work, needed)
    while True:
        await work.execute(_REMEMBER)
        products = await shelves.lock(work, needed)
        more = await _with_rivals(work, own) - needed
        if not more:
            return products
        await work.execute(_LET_GO)
        needed |= more


async def _with_rivals(work: UnitOfWork, own: frozenset[str]) -> frozenset[str]:
    return own.union(*(await rivals(work, own)).values())


async def allocate(
    work: UnitOfWork, shelves: Shelves, products: Mapping[str, Product], touched: Iterable[str], *, now: datetime
) -> tuple[dict[str, Product], tuple[FollowOn[StockReserved], ...]]:
    """Supply every waiting order that can have its goods now.

    Returns the products as they are then, and the news, each in its order's own flow, the oldest order first.

    ``products`` come from `lock_with_rivals` and are as they are now. ``touched`` are those of them that have more
    free units than before; an order that waits for none of them gains nothing.
    """
    waiting = await rivals(work, touched)
    wanted = frozenset[str]().union(*waiting.values())
    available = {product_id: products[product_id].available for product_id in wanted}
    found = coverages(available, await waiting_for(work, wanted))
    supplied = tuple(one for one in found if one.complete and one.order_id in waiting)
    orders = await take(work, [one.order_id for one in supplied])
    left = await shelves.move(work, products, _set_aside(supplied))
    await become(work, list(orders), "held", now=now)
    return left, tuple(_reserved(orders[one.order_id], one.lines) for one in supplied)


def no_longer_waiting(lines: Iterable[WaitingLine]) -> tuple[Movement, ...]:
    """Return the movements of orders that leave the backlog with nothing."""
    return tuple(Movement(product_id=product_id, waiting=-units) for product_id, units in sorted(_units(lines).items()))


def _set_aside(supplied: Iterable[Coverage]) -> tuple[Movement, ...]:
    units = _units(line for one in supplied for line in one.lines)
    return tuple(Movement(product_id=p, reserved=n, waiting=-n) for p, n in sorted(units.items()))


def _units(lines: Iterable[WaitingLine]) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in lines:
        units[line.product_id] += line.quantity
    return units


def _reserved(order: WaitingOrder, lines: Iterable[WaitingLine]) -> FollowOn[StockReserved]:
    event = StockReserved(
        order_id=order.order_id,
        reservation_id=reservation_id(order.order_id),
        customer_id=order.customer_id,
        lines=tuple(StockLine(product_id=line.product_id, quantity=line.quantity) for line in lines),
        ship_to=order.ship_to,
        carrier=order.carrier,
    )
    return FollowOn(event=event, flow=order.flow, causes=(order.cause,))

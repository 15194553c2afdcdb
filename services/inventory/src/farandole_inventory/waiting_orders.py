"""Waiting orders: the rows of the backlog: who waits for what, since when and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from farandole import UnitOfWork
from farandole_events import Address, OrderPlaced, StockLine
from sqlalchemy import RowMapping, delete, select

from farandole_inventory.backlog import WaitingLine
from farandole_inventory.tables import backorders, waiting_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingOrder:
    """What a waiting order's StockReserved or StockRejected must say, and the flow that it belongs to.

    ``cause`` is the id of the order's OrderPlaced.
    """

    order_id: str
    deadline: datetime
    flow: str
    cause: str
    customer_id: str
    ship_to: Address
    carrier: str


async def keep_waiting(
    work: UnitOfWork,
    order: OrderPlaced,
    lines: Iterable[StockLine],
    *,
    position: int,
    deadline: datetime,
    flow: str,
    cause: str,
) -> None:
    """Put an order at the end of the backlog."""
    await work.execute(
        backorders.insert().values(
            order_id=order.order_id,
            deadline=deadline,
            flow=flow,
            cause=cause,
            customer_id=order.customer_id,
            ship_to=msgspec.json.encode(order.ship_to).decode(),
            carrier=order.carrier,
        )
    )
    await work.execute(
        waiting_lines.insert(),
        [
            {
                "product_id": line.product_id,
                "position": position,
                "order_id": order.order_id,
                "quantity": line.quantity,
            }
            for line in lines
        ],
    )


async def rivals(work: UnitOfWork, product_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the orders that wait for any of these products, each with all the products that it waits for."""
    theirs, others = waiting_lines.alias(), waiting_lines.alias()
    pairs = (
        select(others.c.order_id, others.c.product_id)
        .distinct()
        .where(theirs.c.product_id.in_(sorted(product_ids)), others.c.order_id == theirs.c.order_id)
    )
    found: dict[str, set[str]] = {}
    for row in await work.execute(pairs):
        found.setdefault(row.order_id, set()).add(row.product_id)
    return {order_id: frozenset(products) for order_id, products in found.items()}


async def waiting_for(work: UnitOfWork, product_ids: Iterable[str]) -> tuple[WaitingLine, ...]:
    """Return every waiting line of these products, oldest first."""
    theirs = select(waiting_lines).where(waiting_lines.c.product_id.in_(sorted(product_ids)))
    rows = await work.execute(theirs.order_by(waiting_lines.c.position, waiting_lines.c.product_id))
    return tuple(
        WaitingLine(position=row.position, order_id=row.order_id, product_id=row.product_id, quantity=row.quantity)
        for row in rows
    )


async def due(work: UnitOfWork, now: datetime, *, limit: int) -> tuple[str, ...]:
    """Return the orders whose deadline has passed, the longest overdue first."""
    overdue = select(backorders.c.order_id).where(backorders.c.deadline <= now)
    rows = await work.execute(overdue.order_by(backorders.c.deadline, backorders.c.order_id).limit(limit))
    return tuple(row.order_id for row in rows)


async def take(work: UnitOfWork, order_ids: Sequence[str]) -> dict[str, WaitingOrder]:
    """Take orders out of the backlog and return those that were in it; their products must be locked."""
    if not order_ids:
        return {}
    rows = (await work.execute(select(backorders).where(backorders.c.order_id.in_(order_ids)))).mappings().all()
    await work.execute(delete(waiting_lines).where(waiting_lines.c.order_id.in_(order_ids)))
    await work.execute(delete(backorders).where(backorders.c.order_id.in_(order_ids)))
    return {row["order_id"]: _order(row) for row in rows}


def _order(row: RowMapping) -> WaitingOrder:
    return WaitingOrder(
        order_id=row["order_id"],
        deadline=row["deadline"],
        flow=row["flow"],
        cause=row["cause"],
        customer_id=row["customer_id"],
        ship_to=msgspec.json.decode(row["ship_to"], type=Address),
        carrier=row["carrier"],
    )


async def products_of(work: UnitOfWork, order_ids: Sequence[str]) -> frozenset[str]:
    """Return the products that these orders wait for."""
    theirs = select(waiting_lines.c.product_id).where(waiting_lines.c.order_id.in_(order_ids))
    return frozenset(row.product_id for row in await work.execute(theirs))

"""Reservations: the rows that remember what became of each order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias, cast

from farandole import UnitOfWork
from farandole.identity import derived_id
from farandole_events import StockLine
from sqlalchemy import select, update

from farandole_inventory.tables import reservation_lines, reservations

State: TypeAlias = Literal["held", "released", "backordered", "rejected", "cancelled"]


def reservation_id(order_id: str) -> str:
    """Return the id of an order's reservation: an order has one, ever."""
    return derived_id("reservation", order_id)


async def exists(work: UnitOfWork, order_id: str) -> bool:
    """Say whether an order was decided about, or cancelled before it came."""
    return await work.scalar(select(reservations.c.order_id).where(reservations.c.order_id == order_id)) is not None


async def enter(work: UnitOfWork, order_id: str, state: State, *, now: datetime) -> int | None:
    """Enter an order and return its position, its age; None where it was entered before, also by a peer just now."""
    row = work.insert(reservations).values(
        order_id=order_id, reservation_id=reservation_id(order_id), state=state, changed_at=now
    )
    inserted = row.on_conflict_do_nothing(index_elements=[reservations.c.order_id]).returning(reservations.c.position)
    position = await work.scalar(inserted)
    return None if position is None else int(position)


async def enter_lines(work: UnitOfWork, order_id: str, lines: Iterable[StockLine]) -> None:
    """Write down what an order asks for."""
    rows = [{"order_id": order_id, "product_id": line.product_id, "quantity": line.quantity} for line in lines]
    await work.execute(reservation_lines.insert(), rows)


async def lines_of(work: UnitOfWork, order_id: str) -> tuple[StockLine, ...]:
    """Return what an order asks for, by product id."""
    own = select(reservation_lines).where(reservation_lines.c.order_id == order_id)
    rows = await work.execute(own.order_by(reservation_lines.c.product_id))
    return tuple(StockLine(product_id=row.product_id, quantity=row.quantity) for row in rows)


async def state_of(work: UnitOfWork, order_id: str) -> State:
    """Return an order's state; hold the rows of its products, or it may change at once."""
    found = await work.scalar(select(reservations.c.state).where(reservations.c.order_id == order_id))
    return cast("State", found)


async def become(work: UnitOfWork, order_ids: Sequence[str], state: State, *, now: datetime) -> None:
    """Change the state of orders whose products are locked."""
    if order_ids:
        named = reservations.c.order_id.in_(order_ids)
        await work.execute(update(reservations).where(named).values(state=state, changed_at=now))

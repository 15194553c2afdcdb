"""Balance: whether an inventory's books agree with one another, told from the rows alone."""

from __future__ import annotations

from collections import Counter

from farandole import Store, UnitOfWork
from sqlalchemy import select

from farandole_inventory.backlog import coverages
from farandole_inventory.product import Product
from farandole_inventory.reservations import State
from farandole_inventory.tables import (
    backorders,
    goods_receipts,
    reservation_lines,
    reservations,
    shortages,
    stock,
    waiting_lines,
)
from farandole_inventory.waiting_orders import waiting_for


async def imbalances(store: Store) -> list[str]:
    """Return what does not agree, in sentences; nothing when the books balance.

    Ask while nothing is being handled: the tables are read one after another.
    """
    async with store.reading() as work:
        rows = (await work.execute(select(stock))).mappings()
        products = {row["product_id"]: Product(**row) for row in rows}
        return [
            *await _counts(work, products),
            *await _waits(work),
            *await _shortages(work, products),
            *await _backlog(work, products),
        ]


async def _counts(work: UnitOfWork, products: dict[str, Product]) -> list[str]:
    held = await _units(work, "held")
    released = await _units(work, "released")
    waiting, received = Counter[str](), Counter[str]()
    for row in await work.execute(select(waiting_lines)):
        waiting[row.product_id] += row.quantity
    for row in await work.execute(select(goods_receipts)):
        received[row.product_id] += row.quantity
    wrong = []
    for name, product in products.items():
        told = (product.reserved, product.released, product.waiting, product.received)
        true = (held[name] + released[name], released[name], waiting[name], received[name])
        if told != true:
            wrong.append(f"{name}: reserved, released, waiting, received are {told}, their rows say {true}")
        if product.available < 0:
            wrong.append(f"{name}: {product.available} available")
    return wrong


async def _units(work: UnitOfWork, state: State) -> Counter[str]:
    lines = select(reservation_lines).join(reservations).where(reservations.c.state == state)
    units = Counter[str]()
    for row in await work.execute(lines):
        units[row.product_id] += row.quantity
    return units


async def _waits(work: UnitOfWork) -> list[str]:
    backordered = select(reservations.c.order_id).where(reservations.c.state == "backordered")
    by_state = {row.order_id for row in await work.execute(backordered)}
    by_row = {row.order_id for row in await work.execute(select(backorders.c.order_id))}
    by_line = {row.order_id for row in await work.execute(select(waiting_lines.c.order_id))}
    return [] if by_state == by_row == by_line else [f"who waits: {by_state}, {by_row}, {by_line}"]


async def _shortages(work: UnitOfWork, products: dict[str, Product]) -> list[str]:
    rows = await work.execute(select(shortages).where(shortages.c.closed_at.is_(None)))
    told = {row.product_id: row.shortage_id for row in rows}
    wrong = []
    for name, product in products.items():
        if product.shortage_id != told.get(name):
            wrong.append(f"{name}: the open shortage is {product.shortage_id}, its row says {told.get(name)}")
        if product.free < 0 and (product.shortage_id is None or product.discontinued):
            wrong.append(f"{name}: {-product.free} units are missing, and none are under way")
    return wrong


async def _backlog(work: UnitOfWork, products: dict[str, Product]) -> list[str]:
    available = {name: product.available for name, product in products.items()}
    found = coverages(available, await waiting_for(work, available))
    return [f"{one.order_id} waits, though all of its goods are there" for one in found if one.complete]

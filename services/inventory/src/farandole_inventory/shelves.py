"""Shelves: the rows of the stock, locked, moved and replenished.

On PostgreSQL every transaction locks the products that it touches in the order of their ids, so two orders for the
same products wait for one another instead of deadlocking. A product's row guards everything about the product: who
holds it may change its waiting lines and the reservations of the orders that wait for it. On SQLite writers are alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from farandole import Store, UnitOfWork
from farandole_events import StockLow
from sqlalchemy import bindparam, select, update

from farandole_inventory.first_stock import first_stock
from farandole_inventory.product import Movement, Product
from farandole_inventory.replenishment import low
from farandole_inventory.settings import InventorySettings
from farandole_inventory.tables import shortages, stock

_MOVE: Final = (
    update(stock)
    .where(stock.c.product_id == bindparam("of_product"))
    .values(
        {name: stock.c[name] + bindparam(f"more_{name}") for name in ("received", "reserved", "released", "waiting")}
    )
)


class Shelves:
    """The stock of this inventory. Its methods work in the caller's transaction; they are safe to use concurrently."""

    def __init__(self, settings: InventorySettings) -> None:
        self._headroom = settings.headroom

    async def lock(self, work: UnitOfWork, product_ids: Iterable[str]) -> dict[str, Product]:
        """Lock the products' rows until the end of the transaction and return them; unknown ones are not among them."""
        wanted = select(stock).where(stock.c.product_id.in_(sorted(set(product_ids)))).order_by(stock.c.product_id)
        rows = (await work.execute(work.for_update(wanted))).mappings()
        return {row["product_id"]: Product(**row) for row in rows}

    async def move(
        self, work: UnitOfWork, products: Mapping[str, Product], movements: Iterable[Movement]
    ) -> dict[str, Product]:
        """Carry out movements of locked products, at most one a product; return the products as they are then."""
        given = list(movements)
        if not given:
            return dict(products)
        await work.execute(
            _MOVE,
            [
                {
                    "of_product": one.product_id,
                    "more_received": one.received,
                    "more_reserved": one.reserved,
                    "more_released": one.released,
                    "more_waiting": one.waiting,
                }
                for one in given
            ],
        )
        return {**products, **{one.product_id: products[one.product_id].moved(one) for one in given}}

    async def open_shortages(
        self, work: UnitOfWork, products: Iterable[Product], *, cause: str, now: datetime
    ) -> tuple[StockLow, ...]:
        """Open a shortage for each locked product that is low, and return the news for the suppliers."""
        news = tuple(
            found for product in products if (found := low(product, cause=cause, headroom=self._headroom)) is not None
        )
        for one in news:
            await work.execute(
                shortages.insert().values(
                    shortage_id=one.shortage_id, product_id=one.product_id, wanted=one.wanted, opened_at=now
                )
            )
            await work.execute(
                update(stock).where(stock.c.product_id == one.product_id).values(shortage_id=one.shortage_id)
            )
        return news

    async def close_shortage(
        self, work: UnitOfWork, product: Product, *, purchase_order_id: str, now: datetime
    ) -> Product:
        """Close the open shortage of a locked product, if it has one, and return it: goods arrived, many or few."""
        if product.shortage_id is None:
            return product
        await work.execute(
            update(shortages)
            .where(shortages.c.shortage_id == product.shortage_id)
            .values(closed_at=now, purchase_order_id=purchase_order_id)
        )
        await work.execute(update(stock).where(stock.c.product_id == product.product_id).values(shortage_id=None))
        return replace(product, shortage_id=None)


async def open_shelves(store: Store, settings: InventorySettings) -> Shelves:
    """Return the shelves, filled with the first stock if they have never been; raises StartError where it is unusable.

    Several replicas may start at once: each product is filled in once.
    """
    async with store.reading() as work:
        filled = await work.scalar(select(stock.c.product_id).limit(1)) is not None
    if not filled:
        rows = [
            {name: value for name, value in asdict(product).items() if name in _FIRST}
            for product in sorted(first_stock(settings.products_csv), key=lambda product: product.product_id)
        ]
        async with store.transaction() as work:
            await work.execute(work.insert(stock).on_conflict_do_nothing(), rows)
    return Shelves(settings)


_FIRST: Final = frozenset({"product_id", "name", "supplier_id", "initial", "reorder_level", "discontinued"})

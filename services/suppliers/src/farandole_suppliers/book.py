"""PurchaseBook: the rows of the purchase orders."""

from __future__ import annotations

from enum import StrEnum

from farandole import Clock, Outbox, Store, UnitOfWork
from farandole.identity import webhook_id
from farandole_events import GoodsReceived, StockLow
from sqlalchemy import select, update

from farandole_suppliers.goods_message import GoodsMessage
from farandole_suppliers.portal import PurchaseOrder
from farandole_suppliers.tables import purchase_orders

SOURCE = "suppliers.goods"


class Answer(StrEnum):
    """What a supplier is told about its message."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    UNKNOWN = "unknown purchase order"
    CONTRADICTION = "this purchase order is for another product, or this message was for another purchase order"


class PurchaseBook:
    """Keeps the purchase orders. Safe for concurrent use, also by several replicas."""

    def __init__(self, store: Store, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def intend(self, low: StockLow, *, flow: str, cause: str) -> bool:
        """Write down that the supplier will be asked, and commit; say whether it may be asked now.

        It may not where another purchase order for the product is open, or the shortage was answered. After a crash
        between this and `sent` it may: the supplier knows the order by its key.
        """
        row = {
            "shortage_id": low.shortage_id,
            "product_id": low.product_id,
            "supplier_id": low.supplier_id,
            "quantity": low.wanted,
            "state": "intended",
            "flow": flow,
            "cause": cause,
            "intended_at": self._clock.now(),
        }
        mine = purchase_orders.c.shortage_id == low.shortage_id
        async with self._store.transaction() as work:
            await work.execute(work.insert(purchase_orders).values(row).on_conflict_do_nothing())
            state = await work.scalar(select(purchase_orders.c.state).where(mine))
        return bool(state == "intended")

    async def sent(self, work: UnitOfWork, shortage_id: str, taken: PurchaseOrder) -> None:
        """Write down what the supplier answered."""
        mine = purchase_orders.c.shortage_id == shortage_id
        await work.execute(
            update(purchase_orders)
            .where(mine, purchase_orders.c.state == "intended")
            .values(state="sent", purchase_order_id=taken.purchase_order_id, expected_at=taken.expected_at)
        )

    async def receive(self, message: GoodsMessage, sender_id: str) -> Answer:
        """Close the purchase order and tell of its goods, in one commit; the second message about it tells nothing."""
        named = purchase_orders.c.purchase_order_id == message.purchase_order_id
        async with self._store.transaction() as work:
            row = (await work.execute(work.for_update(select(purchase_orders).where(named)))).mappings().first()
            if row is None:
                return Answer.UNKNOWN
            if row["product_id"] != message.product_id:
                return Answer.CONTRADICTION
            if row["state"] == "received":
                return Answer.TAKEN_BEFORE
            event_id = webhook_id(source=SOURCE, sender_id=sender_id)
            if await _received_another(work, event_id):
                return Answer.CONTRADICTION
            arrived = {
                "state": "received",
                "received": message.quantity,
                "received_at": message.at,
                "received_by": event_id,
            }
            await work.execute(update(purchase_orders).where(named).values(arrived))
            goods = GoodsReceived(
                product_id=row["product_id"],
                purchase_order_id=message.purchase_order_id,
                supplier_id=row["supplier_id"],
                quantity=message.quantity,
                received_at=message.at,
            )
            await self._outbox.add(work, goods, event_id=event_id, flow=row["flow"], causes=(row["cause"],))
        return Answer.TAKEN


async def _received_another(work: UnitOfWork, event_id: str) -> bool:
    """Say whether the message brought other goods before: a second event under its id would be dropped everywhere."""
    found = select(purchase_orders.c.shortage_id).where(purchase_orders.c.received_by == event_id)
    return await work.scalar(found) is not None

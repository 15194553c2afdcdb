"""Teller: tells customers, and remembers what they were told."""

from __future__ import annotations

from farandole import Store, UnitOfWork
from farandole_events import CustomerNotified
from sqlalchemy import select

from farandole_crm.messenger import Messenger, Notification
from farandole_crm.tables import notifications


class Teller:
    """Tells each customer each thing of an order once. Safe for concurrent use, also by several replicas."""

    def __init__(self, crm: Messenger, store: Store) -> None:
        self._crm = crm
        self._store = store

    async def tell(self, told: Notification, work: UnitOfWork) -> CustomerNotified | None:
        """Have a notification sent; whoever writes its row tells the mesh.

        Nobody is told the same thing of an order twice, in the same words or in others: the row is looked for before
        the CRM is asked, and the key is the order's and the template's.
        """
        if await self._was_told(told):
            return None
        sent = await self._crm.send(told, idempotency_key=f"notification:{told.order_id}:{told.template}")
        row = {
            "order_id": told.order_id,
            "template": told.template,
            "customer_id": told.customer_id,
            "notification_id": sent.notification_id,
            "sent_at": sent.sent_at,
        }
        own = [notifications.c.order_id, notifications.c.template]
        insert = work.insert(notifications).values(row).on_conflict_do_nothing(index_elements=own).returning(*own)
        if (await work.execute(insert)).first() is None:
            return None
        return CustomerNotified(
            customer_id=told.customer_id,
            order_id=told.order_id,
            notification_id=sent.notification_id,
            template=told.template.value,
            sent_at=sent.sent_at,
        )

    async def _was_told(self, told: Notification) -> bool:
        row = (notifications.c.order_id == told.order_id) & (notifications.c.template == told.template)
        async with self._store.reading() as work:
            return await work.scalar(select(notifications.c.order_id).where(row)) is not None

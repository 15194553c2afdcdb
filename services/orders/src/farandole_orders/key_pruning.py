"""Key pruning: forgets the Idempotency-Keys that are older than their window."""

from __future__ import annotations

from typing import Any, Final

from farandole import Clock, UnitOfWork
from sqlalchemy import delete, select, tuple_

from farandole_orders.settings import OrdersSettings
from farandole_orders.tables import idempotency_keys as table

MOST_AT_ONCE: Final = 5_000
"""Bounds how long one run holds up the writers; at a run every ten seconds it keeps up with 500 orders a second."""


async def forget_old_keys(work: UnitOfWork, settings: OrdersSettings, clock: Clock) -> None:
    """Delete the oldest keys that are past their window."""
    past = table.c.created < clock.now() - settings.idempotency_window
    # Locked in one order: two replicas that prune at once wait for one another instead of deadlocking.
    oldest: Any = (
        select(table.c.scope, table.c.key)
        .where(past)
        .order_by(table.c.created, table.c.scope, table.c.key)
        .limit(MOST_AT_ONCE)
    )
    await work.execute(delete(table).where(tuple_(table.c.scope, table.c.key).in_(work.for_update(oldest))))

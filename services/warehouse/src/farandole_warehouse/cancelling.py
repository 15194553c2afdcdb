"""Cancelling: the warehouse decides between cancel and pack. A cancellation that comes first leaves a tombstone."""

from __future__ import annotations

import structlog
from farandole import UnitOfWork
from farandole_events import CancellationRefused, CancellationRequested, FulfilmentCancelled, OrderCancelled

from farandole_warehouse.floor import cancel
from farandole_warehouse.state import State

log = structlog.get_logger(__name__)


async def cancellation_was_requested(
    requested: CancellationRequested, work: UnitOfWork
) -> FulfilmentCancelled | CancellationRefused | None:
    """Cancel the order if packing has not begun; refuse otherwise. One that is cancelled already needs no answer."""
    state, cancelled = await cancel(work, requested.order_id, requested.reason)
    if cancelled:
        return FulfilmentCancelled(order_id=requested.order_id, reason=requested.reason)
    if state is State.CANCELLED:
        return None
    return CancellationRefused(order_id=requested.order_id, reason=f"the order is {state}")


async def order_was_cancelled(cancelled: OrderCancelled, work: UnitOfWork) -> None:
    """Forget about packing the order, also one that was never heard of.

    A packed order stays packed: its goods came back (ShipmentReturned), and what they were packed as remains true.
    While packing is under way no service of the mesh cancels, so whoever does is named in the log.
    """
    state, _ = await cancel(work, cancelled.order_id, cancelled.reason)
    if state is State.PACKING:
        log.warning(
            "an order was cancelled while it is being packed: it will be packed all the same",
            order_id=cancelled.order_id,
            cause=cancelled.cause,
        )

"""Cancelling: the warehouse decides between cancel and pack. A cancellation that comes first leaves a tombstone."""

from __future__ import annotations

from farandole import UnitOfWork
from farandole_events import CancellationRefused, CancellationRequested, FulfilmentCancelled, OrderCancelled

from farandole_warehouse.floor import cancel
from farandole_warehouse.state import State


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
    """Forget about packing the order. One that is packed already is on its way, and comes back as a return."""
    await cancel(work, cancelled.order_id, cancelled.reason)

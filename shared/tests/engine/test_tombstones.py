"""A worker ends between the tombstone in the inbox and the ledger's `dead`.

The delivery comes back, finds its own tombstone, and must finish what it began: announce the dead letter. It must not
run for ever, and it must not drop the event silently.
"""

from __future__ import annotations

from datetime import timedelta

from farandole import Reject, Service, UnitOfWork
from farandole.testing import Harness
from farandole_events import OrderCancelled, StockReleased
from sqlalchemy import MetaData

CANCELLED = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")


def service_that(answer) -> Service:
    service = Service("inventory", tables=MetaData())

    async def release(cancelled: OrderCancelled, work: UnitOfWork) -> StockReleased | None:
        return answer()

    service.on(OrderCancelled)(release)
    return service


def reject() -> None:
    raise Reject("never")


async def test_a_delivery_that_finds_its_own_tombstone_announces_the_dead_letter():
    async with Harness(service_that(reject)) as harness:
        await harness.store.tombstone("test", "e-1", 0)
        await harness.deliver(CANCELLED, event_id="e-1")
        assert len(harness.dead_letters) == 1
        assert harness.runtime.metrics.totals().dead == 1


async def test_a_handler_that_would_succeed_now_does_not_undo_the_tombstone():
    async with Harness(service_that(lambda: None)) as harness:
        await harness.store.tombstone("test", "e-1", 0)
        await harness.deliver(CANCELLED, event_id="e-1")
        await harness.advance(timedelta(minutes=1))
        assert len(harness.dead_letters) == 1
        assert await harness.store.handled([("test", "e-1")]) == {}

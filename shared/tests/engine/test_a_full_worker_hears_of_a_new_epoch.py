"""A worker that has all the deliveries it may have waits for room. A new epoch of the ledger must reach it there.

Nothing that is in flight can be settled under the old epoch, so no room will ever come of itself: a worker that did not
hear of the loss would wait for ever.
"""

from __future__ import annotations

import asyncio

from farandole import Service
from farandole.settings import Settings
from farandole.testing import Harness
from farandole_events import OrderCancelled


async def test_a_worker_without_room_abandons_what_it_has_and_goes_on() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    heard: list[str] = []
    service = Service("full")

    async def listen(cancelled: OrderCancelled) -> None:
        began.set()
        await go_on.wait()
        heard.append(cancelled.order_id)

    service.on(OrderCancelled)(listen)
    orders = [OrderCancelled(order_id=one, customer_id="c", reason="x", cause="customer") for one in ("o-1", "o-2")]
    async with asyncio.timeout(10), Harness(service, settings=Settings(most_in_flight=1)) as harness:
        delivered = asyncio.ensure_future(harness.deliver(*orders))
        await began.wait()
        harness.ledger.fail_over()
        go_on.set()
        await delivered
        assert set(heard) == {"o-1", "o-2"}
        assert harness.broker.committed["full", "orders"] == 2

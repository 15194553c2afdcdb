"""A worker announces a retry, ends before it published the record, and comes back as a version that retries no more.

The ledger holds the announcement, so the record has to be published; there is no tier to publish it to, but the
redelivery topic is heard by every version.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from farandole import Backoff, Service
from farandole.delivery import Coordinates
from farandole.ledger import Settle, State, event_key
from farandole.testing import Harness
from farandole_events import OrderCancelled


async def test_an_announced_retry_is_heard_by_a_version_without_tiers() -> None:
    heard: list[str] = []
    service = Service("fewer")

    async def listen(event: OrderCancelled) -> None:
        heard.append(event.order_id)

    service.on(OrderCancelled, retry=Backoff(attempts=1))(listen)
    announced = Settle(
        key=event_key("test", "e-1"),
        attempt=0,
        coordinates=Coordinates(topic="orders", partition=0, offset=0),
        state=State.RETRY,
    )
    async with asyncio.timeout(20), Harness(service) as harness:
        await harness.ledger.exchange(await harness.ledger.join(), [announced], [])
        event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
        await harness.deliver(event, event_id="e-1")
        await harness.advance(timedelta(minutes=1))
        assert heard == ["o-1"]

"""A fetched batch may be larger than what may be in flight at once.

The worker admits it in parts. What waits meanwhile belongs to an assignment that may end: then it is another worker's,
and is not run here.
"""

from __future__ import annotations

import asyncio

from farandole import Service
from farandole.engine.ports import Message
from farandole.envelope import Envelope
from farandole.settings import Settings
from farandole.testing import Harness
from farandole_events import OrderCancelled


class Author:
    """A handler's author whose first run waits for a gate."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.most_at_once = 0
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self._now = 0
        self.service = Service("listener")

        async def listen(cancelled: OrderCancelled) -> None:
            self.began.append(cancelled.order_id)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.started.set()
            try:
                await self.gate.wait()
            finally:
                self._now -= 1

        self.service.on(OrderCancelled)(listen)

    def append(self, harness: Harness, count: int) -> None:
        for number in range(count):
            event = OrderCancelled(order_id=f"o-{number}", customer_id="c", reason="x", cause="customer")
            envelope = Envelope(
                id=f"e-{number}", type=event.avro.fullname, source="t", subject=event.key, time="", correlation_id="f"
            )
            value = harness.runtime.codec.encode(event)
            harness.broker.append(
                Message(topic="orders", key=event.key.encode(), value=value, headers=envelope.headers())
            )


async def test_no_more_run_at_once_than_may_be_in_flight_and_all_run_in_the_end():
    author = Author()
    async with Harness(author.service, settings=Settings(most_in_flight=3)) as harness:
        author.append(harness, 20)
        async with asyncio.timeout(10):
            await author.started.wait()
        author.gate.set()
        await harness.settle()
        assert sorted(author.began) == sorted(f"o-{number}" for number in range(20))
        assert author.most_at_once <= 3


async def test_what_waits_for_room_is_not_run_when_its_assignment_ends():
    author = Author()
    async with Harness(author.service, settings=Settings(most_in_flight=1)) as harness:
        author.append(harness, 5)
        async with asyncio.timeout(10):
            await author.started.wait()
        worker = harness.runtime.worker
        assert worker is not None
        (assignment,) = worker._in_flight
        worker._abandon(assignment)
        author.gate.set()
        await harness.settle()
        assert author.began == ["o-0"]

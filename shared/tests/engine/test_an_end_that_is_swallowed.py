"""A service ends although a client keeps its cancellation to itself.

In Python 3.11 `asyncio.wait_for` returns its result in place of a cancellation that arrives at the same moment, and the
clients of Redis and of databases use it. The loops that talk to them are cancelled once, when a service stops; one that
never heard of it would keep the process alive until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest
from farandole import Service, UnitOfWork
from farandole.testing import Harness
from farandole_events import OrderCancelled
from sqlalchemy import MetaData


class Swallowing:
    """Wraps a coroutine function: a cancellation is taken for an answer, as `wait_for` does it."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.entered = asyncio.Event()

    async def __call__(self, *arguments: Any) -> Any:
        self.entered.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        return await self._function(*arguments)


def service() -> Service:
    made = Service("ending", tables=MetaData())

    async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
        """Take it."""

    made.on(OrderCancelled)(listen)
    return made


@pytest.mark.parametrize("how", ["cancelled", "stopped"])
async def test_a_ledger_that_swallows_the_end_of_its_conversation(how: str) -> None:
    async with asyncio.timeout(10), Harness(service()) as harness:
        exchange = Swallowing(harness.ledger.exchange)
        object.__setattr__(harness.ledger, "exchange", exchange)
        delivering = asyncio.ensure_future(
            harness.deliver(OrderCancelled(order_id="o", customer_id="c", reason="x", cause="customer"))
        )
        await exchange.entered.wait()
        running = harness._running
        assert running is not None
        if how == "cancelled":
            running.cancel()
        else:
            harness.runtime.stop(timedelta(0))
        await asyncio.wait([running], timeout=3)
        delivering.cancel()
        assert running.done()


async def test_a_database_that_swallows_the_end_of_the_relay() -> None:
    async with asyncio.timeout(10), Harness(service()) as harness:
        relay = harness.runtime.relay
        assert relay is not None
        batch = Swallowing(relay.publish_batch)
        object.__setattr__(relay, "publish_batch", batch)
        await batch.entered.wait()
        harness.runtime.stop(timedelta(0))
        assert harness._running is not None
        await asyncio.wait([harness._running], timeout=3)
        assert harness._running.done()

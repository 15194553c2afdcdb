"""A record that no private topic takes still comes to an end, and nothing waits behind it.

Topics bound the batch as it was compressed, so a foreign producer's record may unpack to any size; and what goes along
with a dead letter could make it larger than the record was. A publication that the broker refuses for its size is
refused for ever.
"""

from __future__ import annotations

import asyncio

import pytest
from farandole import Backoff, Service
from farandole.engine.ports import Message
from farandole.testing import Harness
from farandole_events import OrderCancelled

EVENT = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")
MEGABYTE = 1_000_000


def failing() -> Service:
    service = Service("large")

    async def listen(event: OrderCancelled) -> None:
        raise ValueError("never")

    service.on(OrderCancelled, retry=Backoff(attempts=2))(listen)
    return service


@pytest.mark.parametrize(
    ("key", "padding", "headers"),
    [
        (b"k", 5 * MEGABYTE, ()),
        (b"\xff" * 450_000, 0, ()),
        (b"k" * 5 * MEGABYTE, 0, ()),
        (b"k", 0, (("foreign", b"x" * 5 * MEGABYTE),)),
        (b"k", 0, (("ce_correlationid", b"x" * 5 * MEGABYTE),)),
        (b"k", 0, (("ce_source", b"x" * 5 * MEGABYTE), ("ce_subject", b"x" * 5 * MEGABYTE))),
        (b"k", 0, tuple((f"h{n}", b"") for n in range(100_000))),
    ],
    ids=["a value", "a key of no text", "a key", "a header", "a flow", "a source and a subject", "many headers"],
)
async def test_it_becomes_a_dead_letter_that_says_where_the_record_is(
    key: bytes, padding: int, headers: tuple[tuple[str, bytes], ...]
) -> None:
    async with asyncio.timeout(30), Harness(failing()) as harness:
        value = harness.runtime.codec.encode(EVENT) + b"\0" * padding
        await harness.deliver_record(Message(topic="orders", key=key, value=value, headers=headers))
        while wake := harness.clock.next_wake:
            await harness.advance(wake - harness.clock.now())
            if harness.dead_letters:
                break
        (dead,) = harness.dead_letters
        assert dict(dead.headers)["farandole_origin"] == b"orders|0|0"
        assert harness.broker.committed["large", "orders"] == 1

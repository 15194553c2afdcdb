"""Whatever a handler throws, its delivery comes to an end, and what waits behind it in its lane goes on.

A handler may await something of its own that was cancelled, a library may throw what is no Exception, an error may not
even know how to say what it is. None of it is the engine's own cancellation, and none of it may end a lane in silence:
the offset would never be finished, and the partition would stand still until a restart. And where something fails that
is not the handler, beneath the engine, the delivery waits and is tried again.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from farandole import Backoff, Service, UnitOfWork
from farandole.testing import Harness
from farandole_events import OrderCancelled, StockReleased
from sqlalchemy import MetaData, text

ONCE = Backoff(attempts=1)


class NotEvenAnException(BaseException):
    """What some libraries raise so that nobody catches it."""


class SpeechlessError(Exception):
    """An error that fails when it is asked what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def cancelled(reason: str) -> OrderCancelled:
    return OrderCancelled(order_id="o-1", customer_id="c-1", reason=reason, cause="customer")


async def its_own_cancellation() -> None:
    inner = asyncio.ensure_future(asyncio.Event().wait())
    inner.cancel()
    await inner


async def no_exception() -> None:
    raise NotEvenAnException("surprise")


async def speechless() -> None:
    raise SpeechlessError


@pytest.mark.parametrize("throw", [its_own_cancellation, no_exception, speechless])
async def test_whatever_it_throws_becomes_a_dead_letter_and_the_next_of_its_key_is_handled(throw) -> None:
    handled: list[str] = []
    service = Service("thrown")

    async def listen(event: OrderCancelled) -> None:
        if event.reason == "bad":
            await throw()
        handled.append(event.reason)

    service.on(OrderCancelled, retry=ONCE)(listen)
    async with asyncio.timeout(20), Harness(service) as harness:
        await harness.deliver(cancelled("bad"), cancelled("good"))
        assert handled == ["good"]
        assert len(harness.dead_letters) == 1
        assert harness.broker.committed["thrown", "orders"] == 2


async def test_what_fails_beneath_the_engine_is_tried_again_and_not_forgotten() -> None:
    """The inbox's table is gone when the tombstone is to be written, which is no outage by any error code."""
    service = Service("beneath", tables=MetaData())

    async def release(event: OrderCancelled, work: UnitOfWork) -> StockReleased | None:
        raise ValueError("never")

    service.on(OrderCancelled, retry=ONCE)(release)
    async with asyncio.timeout(20), Harness(service) as harness:
        await rename(harness, "farandole_inbox", "elsewhere")
        await harness.deliver(cancelled("bad"))
        assert harness.dead_letters == []
        await rename(harness, "elsewhere", "farandole_inbox")
        await harness.advance(timedelta(seconds=10))
        assert len(harness.dead_letters) == 1
        assert harness.broker.committed["beneath", "orders"] == 1


async def rename(harness: Harness, one: str, other: str) -> None:
    assert harness.store is not None
    async with harness.store.transaction() as work:
        await work.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))

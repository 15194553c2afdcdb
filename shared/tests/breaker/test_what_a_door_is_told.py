"""A door is told things by authors and by clocks: reasons in odd letters, health checks that end oddly.

Whatever they say, a worker goes on, one thing at a time is told to the fleet, and an outage that is over ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from farandole import Dependency, DependencyError, Service
from farandole.breaker import Phase
from farandole.engine.door import Door
from farandole.testing import Harness
from farandole_events import OrderCancelled

SECOND = timedelta(seconds=1)
GATEWAY = Dependency("gateway")


class Shop:
    """A gateway that fails as it is told, and says how it is as it is told."""

    def __init__(self, health: Callable[[], Any]) -> None:
        self.health = health
        self.away = True
        self.answered = 0
        self.reason = "away"

    def healthy(self) -> Any:
        return self.health()

    async def ask(self) -> None:
        if self.away:
            raise DependencyError(self.reason)
        self.answered += 1


class Unasked(Shop):
    """One that cannot be asked how it is."""

    healthy = None  # type: ignore[assignment]


def selling(shop: Shop) -> Service:
    service = Service("inventory")

    async def release(event: OrderCancelled, gateway: Shop) -> None:
        await gateway.ask()

    service.provide(Shop, lambda: shop)
    service.on(OrderCancelled, depends_on=GATEWAY)(release)
    return service


def cancelled(number: int) -> OrderCancelled:
    return OrderCancelled(order_id=f"o-{number}", customer_id="c", reason="x", cause="customer")


def door_of(harness: Harness) -> Door:
    assert harness.runtime.gate is not None
    return harness.runtime.gate.doors["gateway"]


async def outlived(harness: Harness, shop: Shop) -> None:
    await harness.deliver(*[cancelled(number) for number in range(20)])
    await harness.advance(10 * SECOND)
    assert door_of(harness).session.phase is Phase.OPEN
    shop.away = False
    await harness.advance(60 * SECOND)
    assert (shop.answered, door_of(harness).session.phase) == (20, Phase.CLOSED)


async def test_a_reason_that_no_utf_8_can_hold_ends_no_worker():
    shop = Unasked(lambda: None)
    shop.reason = "the gateway said \ud800"
    async with Harness(selling(shop)) as harness:
        await outlived(harness, shop)


class Mute(Exception):  # noqa: N818 - not a mistake of anybody here
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


async def test_a_health_check_whose_error_cannot_be_told_is_asked_again():
    shop = Shop(lambda: None)

    async def ask() -> None:
        if shop.away:
            raise Mute

    shop.health = ask
    async with Harness(selling(shop)) as harness:
        await outlived(harness, shop)


async def test_a_health_check_of_which_something_was_cancelled_is_asked_again():
    shop = Shop(lambda: None)

    async def ask() -> None:
        if shop.away:
            raise asyncio.CancelledError

    shop.health = ask
    async with Harness(selling(shop)) as harness:
        await outlived(harness, shop)


@pytest.mark.parametrize("well", [True, None])
async def test_a_health_check_need_not_be_async(well: object):
    shop = Shop(lambda: None)
    shop.health = lambda: False if shop.away else well
    async with Harness(selling(shop)) as harness:
        await outlived(harness, shop)

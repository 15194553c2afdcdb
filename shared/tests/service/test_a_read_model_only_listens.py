"""A service that declares a read model emits nothing: a rebuild would say again whatever it answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from farandole import ReadModel, Service
from farandole.errors import StartError
from farandole_events.orders import OrderPlaced
from farandole_events.sales import SalesPerMinute
from sqlalchemy import MetaData


@pytest.fixture
def service() -> Service:
    return Service("almanac", tables=MetaData(), read_model=ReadModel())


def test_it_has_no_handlers(service) -> None:
    async def answer(order: OrderPlaced) -> None:
        """Handle an order."""

    with pytest.raises(StartError, match="handles events, but almanac is a read model"):
        service.on(OrderPlaced)(answer)


def test_it_has_timers_that_emit_nothing_and_no_others(service) -> None:
    async def prune() -> None:
        """Forget what is old."""

    async def tell() -> SalesPerMinute:
        raise AssertionError("never called")

    service.every(timedelta(seconds=1))(prune)
    with pytest.raises(StartError, match="emits events, but almanac is a read model"):
        service.every(timedelta(seconds=1))(tell)

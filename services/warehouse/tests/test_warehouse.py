"""The warehouse joins stock and money, and decides between packing and cancelling.

Two events of different topics have to meet before an order is packed: they come in any order, more than once, and a
cancellation may come before, between or after them. Whatever the order of arrival, the order ends packed or cancelled,
never both, and the floor packs it once.
"""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from farandole.testing import Harness
from farandole_events import (
    Address,
    CancellationRefused,
    CancellationRequested,
    FulfilmentCancelled,
    OrderCancelled,
    OrderPacked,
    PaymentAuthorised,
    StockLine,
    StockReserved,
)
from farandole_warehouse.service import service
from farandole_warehouse.wms import Package, WarehouseSystem

ORDER = "o-1"
ADDRESS = Address(name="Vins et alcools Chevalier", street="59 rue de l'Abbaye", city="Reims", country="France")
RESERVED = StockReserved(
    order_id=ORDER,
    reservation_id="r-1",
    customer_id="VINET",
    lines=(StockLine(product_id="11", quantity=12),),
    ship_to=ADDRESS,
    carrier="Federal Shipping",
)
AUTHORISED = PaymentAuthorised(
    order_id=ORDER, hold_id="h-1", amount_cents=44_000, currency="USD", expires_at=datetime(2026, 2, 1, tzinfo=UTC)
)
REQUESTED = CancellationRequested(order_id=ORDER, reason="changed my mind")
CANCELLED = OrderCancelled(order_id=ORDER, customer_id="VINET", reason="declined", cause="payment_declined")


class Floor:
    """A warehouse system in memory: honours the key, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.packed: Counter[str] = Counter()
        self.keys: dict[str, Package] = {}

    async def pack(
        self, order_id: str, lines: tuple[StockLine, ...], ship_to: Address, carrier: str, *, idempotency_key: str
    ) -> Package:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the floor does not answer")
        if idempotency_key not in self.keys:
            self.packed[order_id] += 1
            self.keys[idempotency_key] = Package(package_id=f"p-{order_id}", parcels=1, weight_grams=900)
        return self.keys[idempotency_key]


@pytest.mark.parametrize("halves", [(RESERVED, AUTHORISED), (AUTHORISED, RESERVED)], ids=["stock first", "money first"])
async def test_an_order_is_packed_once_both_halves_are_there(halves):
    floor = Floor()
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(halves[0])
        assert harness.events(OrderPacked) == []
        await harness.deliver(halves[1])
        (packed,) = harness.events(OrderPacked)
        assert (packed.order_id, packed.lines, packed.ship_to) == (ORDER, RESERVED.lines, ADDRESS)
        assert floor.packed == {ORDER: 1}


async def test_either_half_coming_last_gives_the_packed_event_the_same_id():
    ids = []
    for halves in ((RESERVED, AUTHORISED), (AUTHORISED, RESERVED)):
        async with Harness(service, provide={WarehouseSystem: Floor()}) as harness:
            await harness.deliver(*halves)
            ids += [one.envelope.id for one in harness.published]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_halves_that_come_again_under_other_ids_pack_nothing_more():
    floor = Floor()
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(RESERVED, AUTHORISED, RESERVED, AUTHORISED)
        assert len(harness.events(OrderPacked)) == 1
        assert floor.packed == {ORDER: 1}


async def test_a_floor_that_fails_is_asked_again_and_packs_once():
    floor = Floor(failures=2)
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(RESERVED, AUTHORISED)
        assert harness.events(OrderPacked) == []
        await harness.advance(timedelta(minutes=2))
        assert len(harness.events(OrderPacked)) == 1
        assert floor.packed == {ORDER: 1}


async def test_a_cancellation_while_packing_is_under_way_is_refused():
    floor = Floor(failures=1)
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(RESERVED, AUTHORISED)
        await harness.deliver(REQUESTED)
        assert len(harness.events(CancellationRefused)) == 1
        await harness.advance(timedelta(minutes=2))
        assert len(harness.events(OrderPacked)) == 1


async def test_a_cancellation_in_time_cancels_and_later_halves_pack_nothing():
    floor = Floor()
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(RESERVED, REQUESTED, AUTHORISED)
        assert len(harness.events(FulfilmentCancelled)) == 1
        assert harness.events(OrderPacked) == []
        assert not floor.packed


async def test_a_second_request_for_a_cancelled_order_is_not_answered_again():
    async with Harness(service, provide={WarehouseSystem: Floor()}) as harness:
        await harness.deliver(REQUESTED, REQUESTED)
        assert len(harness.events(FulfilmentCancelled)) == 1


async def test_a_cancelled_order_that_was_never_heard_of_leaves_a_tombstone():
    floor = Floor()
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        await harness.deliver(CANCELLED)
        await harness.deliver(RESERVED, AUTHORISED)
        assert harness.published == []
        assert not floor.packed


@pytest.mark.parametrize("arrival", list(itertools.permutations((RESERVED, AUTHORISED, REQUESTED))))
async def test_in_any_order_of_arrival_an_order_ends_packed_or_cancelled_but_not_both(arrival):
    floor = Floor(failures=1)
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        for event in arrival:
            await harness.deliver(event)
            await harness.deliver(event)
        await harness.advance(timedelta(minutes=5))
        packed, cancelled = len(harness.events(OrderPacked)), len(harness.events(FulfilmentCancelled))
        assert (packed, cancelled) in {(1, 0), (0, 1)}
        assert floor.packed.total() == packed
        assert not harness.dead_letters

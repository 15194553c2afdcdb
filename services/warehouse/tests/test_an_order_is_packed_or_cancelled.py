"""The warehouse joins stock and money, and decides between packing and cancelling.

Two events of different topics have to meet before an order is packed: they come in any order, more than once, and a
cancellation may come before, between or after them. Whatever the order of arrival, the order ends packed or cancelled,
never both, and the floor packs it once.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from farandole import Event
from farandole.delivery import Record
from farandole.engine.ports import Message
from farandole.headers import ATTEMPT, ROUND
from farandole.testing import Harness, assert_repeatable
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
from farandole_warehouse.testing import FakeWarehouseSystem
from farandole_warehouse.testing.fake_warehouse_system import LOST_ANSWER, OUTAGE, REFUSAL
from farandole_warehouse.wms import WarehouseSystem
from structlog.testing import capture_logs

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


@pytest.fixture
def floor() -> FakeWarehouseSystem:
    return FakeWarehouseSystem()


@pytest.fixture
async def warehouse(floor: FakeWarehouseSystem) -> AsyncIterator[Harness]:
    async with Harness(service, provide={WarehouseSystem: floor}) as harness:
        yield harness


@pytest.mark.parametrize("halves", [(RESERVED, AUTHORISED), (AUTHORISED, RESERVED)], ids=["stock first", "money first"])
async def test_an_order_is_packed_once_both_halves_are_there(
    warehouse: Harness, floor: FakeWarehouseSystem, halves: tuple[Event, Event]
) -> None:
    await warehouse.deliver(halves[0])
    assert warehouse.events(OrderPacked) == []
    await warehouse.deliver(halves[1])
    (packed,) = warehouse.events(OrderPacked)
    assert (packed.order_id, packed.lines, packed.ship_to) == (ORDER, RESERVED.lines, ADDRESS)
    assert (packed.package_id, packed.parcels, packed.weight_grams) == ("p_1", 1, 1200)
    assert floor.packed == {ORDER: 1}


async def test_either_half_coming_last_gives_the_packed_event_the_same_id() -> None:
    ids = []
    for halves in ((RESERVED, AUTHORISED), (AUTHORISED, RESERVED)):
        async with Harness(service, provide={WarehouseSystem: FakeWarehouseSystem()}) as harness:
            await harness.deliver(*halves)
            ids += [one.envelope.id for one in harness.published]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_halves_that_come_again_under_other_ids_ask_for_nothing_more(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    await warehouse.deliver(RESERVED, AUTHORISED, RESERVED, AUTHORISED)
    assert len(warehouse.events(OrderPacked)) == 1
    assert floor.calls == [ORDER]


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_a_floor_that_does_not_answer_is_asked_again_and_packs_once(
    warehouse: Harness, floor: FakeWarehouseSystem, fault: str
) -> None:
    floor.faults.extend([fault, fault])
    await warehouse.deliver(RESERVED, AUTHORISED)
    assert warehouse.events(OrderPacked) == []
    await warehouse.advance(timedelta(minutes=2))
    assert len(warehouse.events(OrderPacked)) == 1
    assert floor.packed == {ORDER: 1}
    assert len(floor.calls) == 3


async def test_while_the_floor_is_away_only_the_half_that_came_last_asks_it(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    floor.faults.append(OUTAGE)
    await warehouse.deliver(RESERVED, AUTHORISED)
    await warehouse.deliver(RESERVED)
    assert floor.calls == [ORDER]


def failing_once(floor: FakeWarehouseSystem) -> Callable[[], Awaitable[None]]:
    """Make the next run fail for no fault of the system's: it goes to the retry tier, and others overtake it."""

    async def fail() -> None:
        floor.before = None
        raise RuntimeError("nothing that a breaker counts")

    return fail


async def test_a_cancellation_while_packing_is_under_way_is_refused(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    floor.before = failing_once(floor)
    await warehouse.deliver(RESERVED, AUTHORISED)
    await warehouse.deliver(REQUESTED)
    assert len(warehouse.events(CancellationRefused)) == 1
    await warehouse.advance(timedelta(minutes=2))
    assert len(warehouse.events(OrderPacked)) == 1


async def test_packing_whose_delivery_died_is_continued_by_its_redrive(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    floor.faults.append(REFUSAL)
    await warehouse.deliver(RESERVED, AUTHORISED)
    (dead,) = warehouse.dead_letters
    await warehouse.deliver(REQUESTED)
    assert len(warehouse.events(CancellationRefused)) == 1, "the floor may have packed: nobody may cancel now"
    await warehouse.deliver(RESERVED, AUTHORISED)
    assert warehouse.events(OrderPacked) == [], "only the delivery that began goes on"

    await warehouse.deliver_record(redriven(dead))
    assert len(warehouse.events(OrderPacked)) == 1
    assert floor.packed == {ORDER: 1}


async def test_a_cancellation_in_time_cancels_and_later_halves_pack_nothing(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    await warehouse.deliver(RESERVED, REQUESTED, AUTHORISED)
    assert len(warehouse.events(FulfilmentCancelled)) == 1
    assert warehouse.events(OrderPacked) == []
    assert floor.calls == []


async def test_a_second_request_for_a_cancelled_order_is_not_answered_again(warehouse: Harness) -> None:
    await warehouse.deliver(REQUESTED, REQUESTED)
    assert len(warehouse.events(FulfilmentCancelled)) == 1


@pytest.mark.parametrize("before", [(), (RESERVED,), (AUTHORISED,)], ids=["unheard of", "reserved", "authorised"])
async def test_a_cancelled_order_leaves_a_tombstone(
    warehouse: Harness, floor: FakeWarehouseSystem, before: tuple[Event, ...]
) -> None:
    await warehouse.deliver(*before, CANCELLED)
    await warehouse.deliver(RESERVED, AUTHORISED, REQUESTED)
    assert warehouse.published == []
    assert floor.calls == []


async def test_a_return_leaves_the_package_as_it_was(warehouse: Harness) -> None:
    await warehouse.deliver(RESERVED, AUTHORISED)
    await warehouse.deliver(msgspec.structs.replace(CANCELLED, cause="returned"))
    (shown,) = (await warehouse.http.get("/packages")).json()["packages"]
    assert (shown["state"], shown["package_id"]) == ("packed", "p_1")
    await warehouse.deliver(RESERVED, AUTHORISED, REQUESTED)
    assert len(warehouse.events(OrderPacked)) == 1
    assert len(warehouse.events(CancellationRefused)) == 1


async def test_an_order_that_is_cancelled_while_it_is_packed_is_told_to_people(
    warehouse: Harness, floor: FakeWarehouseSystem
) -> None:
    floor.before = failing_once(floor)
    await warehouse.deliver(RESERVED, AUTHORISED)
    with capture_logs() as logs:
        await warehouse.deliver(CANCELLED)
    assert [(one["order_id"], one["log_level"]) for one in logs if "while it is being packed" in one["event"]] == [
        (ORDER, "warning")
    ]
    await warehouse.advance(timedelta(minutes=2))
    assert len(warehouse.events(OrderPacked)) == 1


@pytest.mark.parametrize("arrival", list(itertools.permutations((RESERVED, AUTHORISED, REQUESTED))))
async def test_in_any_order_of_arrival_an_order_ends_packed_or_cancelled_but_not_both(
    warehouse: Harness, floor: FakeWarehouseSystem, arrival: tuple[Event, ...]
) -> None:
    floor.faults.append(LOST_ANSWER)
    for event in arrival:
        await warehouse.deliver(event)
        await warehouse.deliver(event)
    await warehouse.advance(timedelta(minutes=5))
    packed, cancelled = len(warehouse.events(OrderPacked)), len(warehouse.events(FulfilmentCancelled))
    assert (packed, cancelled) in {(1, 0), (0, 1)}
    assert floor.packed.total() == packed
    assert not warehouse.dead_letters


def redriven(dead: Record) -> Message:
    """Return the record that sends a dead letter again."""
    given = dict(dead.headers)
    attempt = str(int(given[ATTEMPT]) + 1).encode()
    return Message(
        topic="warehouse.redelivery",
        key=dead.key,
        value=dead.value,
        headers=tuple({**given, ATTEMPT: attempt, ROUND: attempt}.items()),
    )


@pytest.mark.parametrize("before", [(), (RESERVED,), (RESERVED, AUTHORISED)], ids=["unknown", "waiting", "packed"])
@pytest.mark.parametrize(
    "ends", [(REQUESTED, CANCELLED), (CANCELLED, REQUESTED)], ids=["asked first", "cancelled first"]
)
async def test_a_cancellation_that_is_told_again_by_a_replay_changes_nothing(
    warehouse: Harness, before: tuple[Event, ...], ends: tuple[Event, ...]
) -> None:
    await warehouse.deliver(*before)
    await assert_repeatable(warehouse, *ends)


def test_whatever_may_run_in_a_replay_is_proved_repeatable_above() -> None:
    ran = {one.event for one in service.handlers if one.on_replay == "run"}
    assert ran == {CancellationRequested, OrderCancelled}

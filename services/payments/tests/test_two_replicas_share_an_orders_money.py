"""Two replicas of payments on one database, each holding another event of the same order.

The gateway stands still in the middle of a call, the other replica handles its event to the end, then the gateway goes
on: the interleavings that partitions and retries make possible, one by one. The second half adds the crash: a replica
dies between the gateway's answer and its own commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from farandole import Event
from farandole.testing import Harness
from farandole_events.orders import OrderCancelled, OrderPlaced
from farandole_events.shipments import ShipmentDispatched
from farandole_events.types import Address
from farandole_payments.gateway import PaymentGateway
from farandole_payments.service import service
from farandole_payments.testing import FakeGateway

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLACED = OrderPlaced(
    order_id="order-1",
    customer_id="VINET",
    reference="10248",
    order_date=NOW,
    lines=(),
    total_cents=3000,
    currency="USD",
    ship_to=Address(name="Vins", street="59 rue de l'Abbaye", city="Reims", country="France"),
    carrier="Federal Shipping",
    payment_token="tok_good",
)
DISPATCHED = ShipmentDispatched(
    order_id="order-1", shipment_id="s", tracking_number="t", carrier="c", customer_id="VINET", dispatched_at=NOW
)
CANCELLED = OrderCancelled(order_id="order-1", customer_id="VINET", reason="changed my mind", cause="customer")


class Turnstile:
    """Stops the first call of one kind until it is opened."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, call: str) -> None:
        if call == self._kind and not self.reached.is_set():
            self.reached.set()
            await self.open.wait()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
async def replicas(gateway: FakeGateway, database_url: str) -> AsyncIterator[tuple[Harness, Harness]]:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            Harness(service, provide={PaymentGateway: gateway}, database_url=database_url)
        )
        second = await stack.enter_async_context(
            Harness(service, provide={PaymentGateway: gateway}, database_url=database_url)
        )
        yield first, second


def names(*replicas: Harness) -> Sequence[str]:
    """Name what was published, each event id once, as every consumer of the mesh sees it."""
    seen = {one.envelope.id: type(one.event).__name__ for replica in replicas for one in replica.published}
    return sorted(seen.values())


@pytest.mark.parametrize("stopped_at", ["hold", "capture", "void", "refund"])
@pytest.mark.parametrize("rival", [PLACED, DISPATCHED, CANCELLED], ids=lambda event: type(event).__name__)
async def test_a_cancelled_order_keeps_no_money_wherever_the_other_replica_stood(
    replicas: tuple[Harness, Harness], gateway: FakeGateway, stopped_at: str, rival: Event
) -> None:
    first, second = replicas
    turnstile = gateway.before = Turnstile(stopped_at)
    history = [PLACED, CANCELLED] if stopped_at in ("hold", "void") else [PLACED, DISPATCHED, CANCELLED]

    async def deliver(replica: Harness, events: Sequence[Event], *, suffix: str = "") -> None:
        for event in events:
            await replica.deliver(event, event_id=f"{type(event).__name__}{suffix}")

    ordinary = asyncio.create_task(deliver(first, history))
    await asyncio.wait_for(turnstile.reached.wait(), 10)
    await deliver(second, [rival], suffix="" if rival in history else "-late")
    turnstile.open.set()
    await ordinary
    await deliver(second, [CANCELLED])
    assert gateway.open_holds == []
    assert gateway.kept_captures == []
    assert len(gateway.holds) <= 1
    assert len(gateway.captures) <= 1
    told = names(first, second)
    assert len(told) == len(set(told)), "no fact is told under two ids"
    assert told.count("PaymentVoided") == sum(held.voided for held in gateway.holds.values())
    assert told.count("PaymentCaptured") == told.count("PaymentRefunded") == len(gateway.captures)


async def test_a_cancellation_during_the_hold_ends_voided(
    replicas: tuple[Harness, Harness], gateway: FakeGateway
) -> None:
    first, second = replicas
    turnstile = gateway.before = Turnstile("hold")
    placing = asyncio.create_task(first.deliver(PLACED))
    await asyncio.wait_for(turnstile.reached.wait(), 10)
    await second.deliver(CANCELLED)
    turnstile.open.set()
    await placing
    assert names(first, second) == ["PaymentVoided"]
    assert gateway.open_holds == []


async def test_a_cancellation_during_the_capture_ends_refunded(
    replicas: tuple[Harness, Harness], gateway: FakeGateway
) -> None:
    first, second = replicas
    await first.deliver(PLACED)
    turnstile = gateway.before = Turnstile("capture")
    taking = asyncio.create_task(first.deliver(DISPATCHED))
    await asyncio.wait_for(turnstile.reached.wait(), 10)
    await second.deliver(CANCELLED)
    turnstile.open.set()
    await taking
    assert names(first, second) == ["PaymentAuthorised", "PaymentCaptured", "PaymentRefunded"]
    assert gateway.kept_captures == []


async def test_a_dispatch_during_the_void_takes_nothing(
    replicas: tuple[Harness, Harness], gateway: FakeGateway
) -> None:
    first, second = replicas
    await first.deliver(PLACED)
    turnstile = gateway.before = Turnstile("void")
    cancelling = asyncio.create_task(first.deliver(CANCELLED))
    await asyncio.wait_for(turnstile.reached.wait(), 10)
    await second.deliver(DISPATCHED)
    turnstile.open.set()
    await cancelling
    assert gateway.captures == {}
    assert names(first, second) == ["PaymentAuthorised", "PaymentVoided"]


@pytest.mark.parametrize("dies_in", ["hold", "capture", "void", "refund"])
@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "after the answer"])
async def test_a_replica_that_dies_at_the_gateway_is_finished_by_another(
    gateway: FakeGateway, database_url: str, dies_in: str, answered: bool
) -> None:
    """The harness is closed while a call is under way: nothing after it ran, as after a kill."""
    history = [PLACED, CANCELLED] if dies_in == "void" else [PLACED, DISPATCHED, CANCELLED]
    before_death = {"hold": 0, "capture": 1, "void": 1, "refund": 2}[dies_in]
    async with Harness(service, provide={PaymentGateway: gateway}, database_url=database_url) as dying:
        for event in history[:before_death]:
            await dying.deliver(event, event_id=type(event).__name__)
        turnstile = Turnstile(dies_in)
        if answered:
            gateway.after = turnstile
        else:
            gateway.before = turnstile
        last = asyncio.create_task(dying.deliver(history[before_death], event_id=type(history[before_death]).__name__))
        await asyncio.wait_for(turnstile.reached.wait(), 10)
        last.cancel()
    async with Harness(service, provide={PaymentGateway: gateway}, database_url=database_url) as heir:
        for event in history:
            await heir.deliver(event, event_id=type(event).__name__)
        assert heir.dead_letters == []
        told = names(dying, heir)
    assert (gateway.open_holds, gateway.kept_captures) == ([], [])
    assert (len(gateway.holds), len(gateway.captures)) == (1, 0 if dies_in == "void" else 1)
    taken = ["PaymentVoided"] if dies_in == "void" else ["PaymentCaptured", "PaymentRefunded"]
    assert told == ["PaymentAuthorised", *taken]

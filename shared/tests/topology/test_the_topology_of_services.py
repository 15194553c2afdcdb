"""What services declare is the topology: handlers by their signatures, the outbox and other means by a declaration.

Every edge names the function that hears or emits, and where it stands. What is not declared cannot be emitted, so the
topology is never a drawing beside the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from farandole import Delivery, Outbox, Service, Store, UnitOfWork
from farandole.errors import ContractError, StartError
from farandole.testing import Harness
from farandole.topology import Through, installed_topology, topology_of
from farandole_events import (
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    PaymentAuthorised,
    PaymentDeclined,
    StockLow,
)
from sqlalchemy import MetaData

HERE = Path(__file__)
PLACED, AUTHORISED = OrderPlaced.avro.fullname, PaymentAuthorised.avro.fullname
LINE_OF_THE_HANDLER = next(
    number
    for number, line in enumerate(HERE.read_text("utf-8").splitlines(), 1)
    if line.startswith("async def authorise")
)


async def authorise(order: OrderPlaced, work: UnitOfWork) -> PaymentAuthorised | PaymentDeclined: ...
async def remind(work: UnitOfWork) -> StockLow | None: ...
async def watch(deliveries: Sequence[Delivery]) -> None: ...
def webhook() -> None: ...


def payments() -> Service:
    service = Service("payments", tables=MetaData())
    service.on(OrderPlaced, depends_on="gateway")(authorise)
    service.every(timedelta(seconds=1))(remind)
    service.observe(watch)
    service.emits(OrderCompleted, by=webhook)
    service.hears(OrderCancelled)
    return service


def test_a_handler_hears_what_it_takes_and_emits_what_it_returns_at_its_own_line():
    found = topology_of([payments()], ())
    hearing = next(one for one in found.hearings if one.event == PLACED)
    assert (hearing.service, hearing.through, hearing.depends_on) == ("payments", Through.HANDLER, ("gateway",))
    assert (hearing.place.function, hearing.place.file, hearing.place.line) == (
        "authorise",
        str(HERE),
        LINE_OF_THE_HANDLER,
    )
    answers = [one for one in found.emissions if one.through is Through.HANDLER]
    assert {(one.event, one.answers) for one in answers} == {
        (AUTHORISED, PLACED),
        (PaymentDeclined.avro.fullname, PLACED),
    }
    assert found.emitters(AUTHORISED) == ("payments",)
    assert found.hearers(PLACED) == ("payments",)


def test_timers_the_outbox_and_what_is_heard_otherwise_are_edges_too():
    found = topology_of([payments()], ())
    by_way = {(one.through, one.event): one.place.function for one in found.emissions if one.answers is None}
    assert by_way == {
        (Through.TIMER, StockLow.avro.fullname): "remind",
        (Through.OUTBOX, OrderCompleted.avro.fullname): "webhook",
    }
    otherwise = next(one for one in found.hearings if one.through is Through.ELSEWHERE)
    assert otherwise.event == OrderCancelled.avro.fullname
    assert (otherwise.place.function, otherwise.place.file) == ("payments", str(HERE))
    assert [one.place.function for one in found.observations] == ["watch"]


def test_an_observer_hears_everything_and_yet_nothing_is_meant_for_it():
    service = Service("console", tables=MetaData())
    service.observe(watch)
    assert topology_of([service], (OrderPlaced.avro,)).hearers(PLACED) == ()


def test_event_types_that_nobody_declares_are_in_it_as_well():
    found = topology_of([payments()], (StockLow.avro, OrderPlaced.avro))
    assert StockLow.avro.fullname in {one.fullname for one in found.events}
    assert found.topics == ("orders", "payments", "stock")


def test_around_one_service_there_are_its_neighbours_only():
    crm = Service("crm")

    @crm.on(PaymentAuthorised)
    def told(event: PaymentAuthorised) -> None: ...

    other = Service("other")

    @other.on(OrderCompleted)
    def done(event: OrderCompleted) -> None: ...

    near = topology_of([payments(), crm, other], ()).around("crm")
    assert [one.name for one in near.services] == ["crm", "payments"]
    assert [one.fullname for one in near.events] == [AUTHORISED]


def test_what_is_declared_must_be_an_event_type():
    with pytest.raises(StartError) as caught:
        Service("payments").emits(str)  # type: ignore[arg-type]
    assert caught.value.code == "E135"


async def test_the_outbox_refuses_what_is_not_declared():
    service = payments()
    held: dict[str, object] = {}

    @service.http
    def app(store: Store, outbox: Outbox) -> object:
        held.update(store=store, outbox=outbox)
        return None

    async with Harness(service):
        store, outbox = held["store"], held["outbox"]
        assert isinstance(store, Store)
        assert isinstance(outbox, Outbox)
        declared = OrderCompleted(
            order_id="o-1", customer_id="c-1", total_cents=1, currency="USD", completed_at=datetime.now(UTC)
        )
        async with store.transaction() as work:
            await outbox.add(work, declared)
            with pytest.raises(ContractError) as caught:
                await outbox.add(work, OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer"))
    assert caught.value.code == "E580"


def test_every_event_type_of_the_mesh_is_emitted_by_somebody():
    found = installed_topology()
    assert [event.name for event in found.events if not found.emitters(event.fullname)] == []
    placed = next(one for one in found.emissions if one.event == PLACED)
    assert placed.place.within_package == "farandole_orders/acceptance.py"
    assert placed.place.beneath(HERE.parents[3]) == "services/orders/src/farandole_orders/acceptance.py"

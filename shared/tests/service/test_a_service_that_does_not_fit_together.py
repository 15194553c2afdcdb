"""A service whose parts do not fit together never starts: the sentence says where, why, and what to do.

The same mistakes are caught earlier by a type checker; test_type_checkers_reject.py shows that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import pytest
from farandole import Backoff, Delivery, FollowOn, Service, UnitOfWork
from farandole.errors import StartError
from farandole.event import Event
from farandole.testing import Harness
from farandole_events import OrderCancelled, OrderPlaced, PaymentAuthorised, PaymentDeclined
from sqlalchemy import MetaData


class Gateway(Protocol):
    """Something that a handler needs."""


class Shop(Protocol):
    """Something that a gateway needs."""


def refusal(register) -> StartError:
    with pytest.raises(StartError) as caught:
        register()
    return caught.value


def test_a_handler_that_takes_another_event_than_it_is_subscribed_to():
    service = Service("payments")

    async def authorise(cancelled: OrderCancelled) -> None: ...

    error = refusal(lambda: service.on(OrderPlaced)(authorise))  # type: ignore[arg-type]
    assert error.code == "E106"
    assert "authorise" in error.what
    assert "OrderPlaced" in error.what
    assert "OrderCancelled" in error.what
    assert __file__ in error.what
    assert error.do


def test_a_handler_that_takes_nothing():
    async def authorise() -> None: ...

    assert refusal(lambda: Service("payments").on(OrderPlaced)(authorise)).code == "E106"  # type: ignore[arg-type]


def test_a_handler_that_does_not_say_what_it_emits():
    async def authorise(placed: OrderPlaced): ...

    assert refusal(lambda: Service("payments").on(OrderPlaced)(authorise)).code == "E104"


@pytest.mark.parametrize("returned", [dict, int | None, Event, list[PaymentAuthorised]])
def test_a_handler_that_emits_what_is_no_event(returned):
    async def authorise(placed: OrderPlaced) -> None: ...

    authorise.__annotations__["return"] = returned
    assert refusal(lambda: Service("payments").on(OrderPlaced)(authorise)).code == "E105"


def test_two_handlers_for_one_event_type():
    service = Service("payments")

    async def first(placed: OrderPlaced) -> None: ...
    async def second(placed: OrderPlaced) -> None: ...

    service.on(OrderPlaced)(first)
    error = refusal(lambda: service.on(OrderPlaced)(second))
    assert error.code == "E113"
    assert "first" in error.why


def test_a_unit_of_work_without_a_store():
    async def authorise(placed: OrderPlaced, work: UnitOfWork) -> None: ...

    assert refusal(lambda: Service("payments").on(OrderPlaced)(authorise)).code == "E116"


@pytest.mark.parametrize(
    "returned", [PaymentAuthorised | None, PaymentAuthorised | PaymentDeclined, tuple[PaymentAuthorised, ...]]
)
def test_an_outcome_that_can_differ_and_nothing_that_remembers_it(returned):
    async def authorise(placed: OrderPlaced) -> None: ...

    authorise.__annotations__["return"] = returned
    assert refusal(lambda: Service("payments").on(OrderPlaced)(authorise)).code == "E117"
    Service("payments", tables=MetaData()).on(OrderPlaced)(authorise)


def test_a_plain_function_that_takes_a_unit_of_work():
    def authorise(placed: OrderPlaced, work: UnitOfWork) -> None: ...

    assert refusal(lambda: Service("payments", tables=MetaData()).on(OrderPlaced)(authorise)).code == "E107"


def test_a_timer_without_a_store():
    async def tick() -> None: ...

    assert refusal(lambda: Service("payments").every(timedelta(seconds=1))(tick)).code == "E114"


def test_a_parameter_without_an_annotation():
    async def authorise(placed: OrderPlaced, gateway) -> None: ...

    error = refusal(lambda: Service("payments").on(OrderPlaced)(authorise))
    assert error.code == "E103"
    assert "gateway" in error.what


def test_a_backoff_that_never_ends_or_never_begins():
    assert refusal(lambda: Backoff(attempts=0)).code == "E101"
    assert refusal(lambda: Backoff(factor=0.5)).code == "E101"
    assert refusal(lambda: Backoff(first=timedelta(0))).code == "E101"


async def test_a_missing_provider_stops_the_start_and_names_who_needs_it():
    service = Service("payments")

    async def authorise(placed: OrderPlaced, gateway: Gateway) -> None: ...

    service.on(OrderPlaced)(authorise)
    with pytest.raises(StartError) as caught:
        async with Harness(service):
            pass
    assert caught.value.code == "E112"
    assert "Gateway" in caught.value.what
    assert "authorise" in caught.value.why
    assert "service.provide(Gateway" in caught.value.do


async def test_a_provider_whose_own_needs_are_missing_stops_the_start():
    service = Service("payments")

    async def authorise(placed: OrderPlaced, gateway: Gateway) -> None: ...
    def connect(shop: Shop) -> Gateway: ...

    service.on(OrderPlaced)(authorise)
    service.provide(Gateway, connect)
    with pytest.raises(StartError, match="nothing provides Shop"):
        async with Harness(service):
            pass


async def test_providers_that_need_one_another_stop_the_start():
    service = Service("payments")

    async def authorise(placed: OrderPlaced, gateway: Gateway) -> None: ...
    def connect(shop: Shop) -> Gateway: ...
    def open_shop(gateway: Gateway) -> Shop: ...

    service.on(OrderPlaced)(authorise)
    service.provide(Gateway, connect)
    service.provide(Shop, open_shop)
    with pytest.raises(StartError) as caught:
        async with Harness(service):
            pass
    assert caught.value.code == "E111"
    assert "Gateway → Shop → Gateway" in caught.value.why


def test_a_type_that_is_provided_twice():
    service = Service("payments")
    service.provide(Gateway, dict)
    assert refusal(lambda: service.provide(Gateway, dict)).code == "E110"


def test_the_signature_is_the_topology():
    service = Service("payments", tables=MetaData())

    async def authorise(
        placed: OrderPlaced, delivery: Delivery
    ) -> PaymentAuthorised | tuple[FollowOn[PaymentDeclined], PaymentAuthorised] | None: ...

    service.on(OrderPlaced)(authorise)
    (handler,) = service.handlers
    assert handler.event is OrderPlaced
    assert set(handler.signature.emits) == {PaymentAuthorised, PaymentDeclined}

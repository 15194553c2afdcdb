"""A service declares what must follow an event in its flow. What makes no sense is refused where it is written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from farandole import Service
from farandole.errors import StartError
from farandole.event import Event
from farandole.expectation import Expectation
from farandole_events import OrderCancelled, OrderCompleted, OrderPlaced
from hypothesis import given
from hypothesis import strategies as st

HALF_AN_HOUR = timedelta(minutes=30)
NAMES = st.text(min_size=1, max_size=20)


def refused(then, *, event=OrderPlaced, within: timedelta = HALF_AN_HOUR) -> StartError:
    with pytest.raises(StartError) as caught:
        Service("orders").expects(event, then=then, within=within)
    return caught.value


def test_it_is_known_by_its_types_and_by_the_place_of_its_declaration():
    service = Service("orders")
    service.expects(OrderPlaced, then=(OrderCompleted, OrderCancelled), within=HALF_AN_HOUR)
    (declared,) = service.expectations
    assert declared.first == "farandole.orders.OrderPlaced"
    assert declared.then == ("farandole.orders.OrderCancelled", "farandole.orders.OrderCompleted")
    assert declared.name == "OrderPlaced > OrderCancelled | OrderCompleted"
    assert declared.within == HALF_AN_HOUR
    assert declared.place.startswith(f"{__file__}:")


def test_a_single_event_may_be_expected():
    service = Service("orders")
    service.expects(OrderPlaced, then=OrderCompleted, within=HALF_AN_HOUR)
    assert service.expectations[0].then == ("farandole.orders.OrderCompleted",)


@pytest.mark.parametrize("then", [(OrderCompleted, dict), "OrderCompleted", (Event,), None])
def test_what_is_no_event_cannot_be_expected(then):
    error = refused(then)
    assert error.code == "E137"
    assert __file__ in error.what


def test_nothing_can_be_expected_after_what_is_no_event():
    assert refused(OrderCompleted, event=dict).code == "E137"


@pytest.mark.parametrize(
    ("then", "within"),
    [
        ((), HALF_AN_HOUR),
        ((OrderPlaced,), HALF_AN_HOUR),
        (OrderCompleted, timedelta(0)),
        (OrderCompleted, -HALF_AN_HOUR),
    ],
)
def test_what_cannot_be_kept_cannot_be_expected(then, within):
    error = refused(then, within=within)
    assert error.code == "E138"
    assert error.do


def test_the_same_cannot_be_expected_twice_in_whatever_order_it_is_named():
    service = Service("orders")
    service.expects(OrderPlaced, then=(OrderCompleted, OrderCancelled), within=HALF_AN_HOUR)
    with pytest.raises(StartError) as caught:
        service.expects(OrderPlaced, then=(OrderCancelled, OrderCompleted), within=2 * HALF_AN_HOUR)
    assert caught.value.code == "E139"
    assert caught.value.why.count(__file__) == 2


@given(
    declared=st.builds(
        Expectation,
        service=NAMES,
        first=NAMES,
        then=st.sets(NAMES, min_size=1).map(lambda names: tuple(sorted(names))),
        within=st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3650)),
        place=NAMES,
    )
)
def test_it_is_read_from_its_document_as_it_was(declared):
    assert Expectation.read(declared.document()) == declared


@pytest.mark.parametrize("wrong", [{"then": []}, {"within": 0}, {"within": "soon"}, {"first": None, "then": None}])
def test_a_document_that_expects_nothing_is_refused(wrong):
    document = {"service": "s", "first": "a", "then": ["b"], "within": 1, "place": ""}
    with pytest.raises((ValueError, TypeError)):
        Expectation.read(document | wrong)

"""An event that its schema cannot hold, or its topic cannot take, is refused where it is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from farandole.codec import Codec
from farandole.errors import ContractError, OversizeError
from farandole_events import CATALOGUE, InvoiceIssued, OrderCancelled, ShipmentDelivered, StockLine, StockReleased

CODEC = Codec(CATALOGUE)
CANCELLED = OrderCancelled(order_id="o-1", customer_id="c-1", reason="none left", cause="stock_rejected")


def released(**changes: object) -> StockReleased:
    line = StockLine(**{"product_id": "11", "quantity": 3, **changes})  # type: ignore[arg-type]
    return StockReleased(order_id="o-1", reservation_id="r-1", lines=(line,))


def test_an_event_longer_than_its_topic_takes_names_both_sizes() -> None:
    size = len(CODEC.encode(CANCELLED))
    assert len(Codec(CATALOGUE, max_bytes=size).encode(CANCELLED)) == size
    with pytest.raises(OversizeError) as refused:
        Codec(CATALOGUE, max_bytes=size - 1).encode(CANCELLED)
    assert f"OrderCancelled o-1 has {size} bytes" in str(refused.value)
    assert f"at most {size - 1} bytes" in str(refused.value)


@pytest.mark.parametrize("quantity", [2**31, -(2**31) - 1, 2**70, 1.5, "3", None, True])
def test_a_number_that_is_no_32_bit_int_is_refused_and_the_field_named(quantity: object) -> None:
    with pytest.raises(ContractError) as refused:
        CODEC.encode(released(quantity=quantity))
    assert "StockReleased does not fit its schema" in str(refused.value)
    assert "$.lines[0].quantity" in str(refused.value)


@pytest.mark.parametrize("product_id", [11, None, b"11", "\ud800"])
def test_what_is_no_text_is_refused(product_id: object) -> None:
    with pytest.raises(ContractError):
        CODEC.encode(released(product_id=product_id))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 1.0, True])
def test_a_number_that_is_no_64_bit_long_is_refused(number: object) -> None:
    invoice = InvoiceIssued(
        order_id="o-1",
        invoice_number=number,  # type: ignore[arg-type]
        customer_id="c-1",
        total_cents=100,
        currency="USD",
        paid=True,
        issued_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with pytest.raises(ContractError):
        CODEC.encode(invoice)


def delivered(at: object) -> ShipmentDelivered:
    return ShipmentDelivered(order_id="o-1", shipment_id="s-1", tracking_number="t-1", delivered_at=at)  # type: ignore[arg-type]


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ContractError):
        CODEC.encode(delivered(datetime(2026, 1, 1)))  # noqa: DTZ001 - the point


def test_a_moment_of_another_time_zone_is_the_same_moment_in_utc_cut_to_milliseconds() -> None:
    away = datetime(2026, 7, 1, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    back = CODEC.decode(CODEC.encode(delivered(away)), ShipmentDelivered)
    assert back.delivered_at == datetime(2026, 7, 1, 6, 30, 0, 123_000, tzinfo=UTC)
    assert back.delivered_at.tzinfo is UTC


def test_lines_that_are_no_tuple_are_refused() -> None:
    event = StockReleased(order_id="o-1", reservation_id="r-1", lines="ab")  # type: ignore[arg-type]
    with pytest.raises(ContractError):
        CODEC.encode(event)

"""Invoices and credit notes in the ordinary course, and when events come twice or in another order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import permutations

import pytest
from farandole import Event
from farandole.testing import Harness, assert_repeatable
from farandole_events.invoices import CreditNoteIssued, InvoiceIssued
from farandole_events.orders import OrderCancelled
from farandole_events.payments import PaymentCaptured, PaymentCaptureFailed
from farandole_events.types import Address, BillTo, OrderLine
from farandole_invoicing.service import service

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BILL = BillTo(
    customer_id="ANATR",
    reference="10308",
    lines=(OrderLine(product_id="11", product_name="Chai", quantity=2, unit_price_cents=1400, total_cents=2800),),
    freight_cents=200,
    total_cents=3000,
    currency="USD",
    address=Address(name="Ana Trujillo", street="Avda. de la Constitución 2222", city="México D.F.", country="Mexico"),
)


def captured(order_id: str = "order-1") -> PaymentCaptured:
    return PaymentCaptured(
        order_id=order_id, capture_id="cap", hold_id="hold", amount_cents=3000, currency="USD", bill=BILL
    )


def capture_failed(order_id: str = "order-1") -> PaymentCaptureFailed:
    return PaymentCaptureFailed(
        order_id=order_id, hold_id="hold", amount_cents=3000, currency="USD", reason="refused", bill=BILL
    )


def cancelled(order_id: str = "order-1", reason: str = "it came back") -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="ANATR", reason=reason, cause="returned")


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with Harness(service) as running:
        yield running


async def test_a_payment_taken_is_invoiced_as_paid(harness: Harness) -> None:
    await harness.deliver(captured())
    (issued,) = harness.events(InvoiceIssued)
    assert issued == InvoiceIssued(
        order_id="order-1",
        invoice_number=1,
        customer_id="ANATR",
        total_cents=3000,
        currency="USD",
        paid=True,
        issued_at=issued.issued_at,
    )
    assert abs((issued.issued_at - harness.clock.now()).total_seconds()) < 0.01


async def test_a_payment_that_failed_is_invoiced_as_unpaid(harness: Harness) -> None:
    await harness.deliver(capture_failed())
    assert [(issued.invoice_number, issued.paid) for issued in harness.events(InvoiceIssued)] == [(1, False)]


async def test_a_cancelled_invoice_is_credited_in_a_series_of_its_own(harness: Harness) -> None:
    await harness.deliver(captured("order-1"), captured("order-2"))
    await harness.deliver(cancelled("order-2"))
    (note,) = harness.events(CreditNoteIssued)
    assert (note.credit_note_number, note.invoice_number, note.order_id) == (1, 2, "order-2")
    assert (note.total_cents, note.currency) == (3000, "USD")


async def test_a_cancelled_order_without_an_invoice_is_not_credited(harness: Harness) -> None:
    await harness.deliver(cancelled())
    assert harness.published == []


async def test_a_payment_after_the_cancellation_is_invoiced_and_credited_at_once(harness: Harness) -> None:
    await harness.deliver(cancelled())
    await harness.deliver(captured())
    (issued,), (note,) = harness.events(InvoiceIssued), harness.events(CreditNoteIssued)
    assert note.invoice_number == issued.invoice_number
    assert note.total_cents == issued.total_cents


@pytest.mark.parametrize("payment", [captured, capture_failed], ids=lambda make: make.__name__)
@pytest.mark.parametrize("order", sorted(set(permutations(("paid", "paid", "gone", "gone")))), ids=" ".join)
async def test_whatever_the_order_and_the_duplicates_the_papers_are_the_same(
    harness: Harness, payment: Callable[[str], Event], order: tuple[str, ...]
) -> None:
    for name in order:
        await harness.deliver(payment("order-1") if name == "paid" else cancelled(), event_id=name)
    assert [(one.invoice_number, one.total_cents) for one in harness.events(InvoiceIssued)] == [(1, 3000)]
    assert [(one.credit_note_number, one.invoice_number) for one in harness.events(CreditNoteIssued)] == [(1, 1)]


async def test_two_events_of_one_payment_make_one_invoice(harness: Harness) -> None:
    await harness.deliver(captured(), event_id="once")
    await harness.deliver(captured(), event_id="twice")
    await harness.deliver(cancelled(), event_id="gone once")
    await harness.deliver(cancelled(), event_id="gone twice")
    assert len(harness.events(InvoiceIssued)) == len(harness.events(CreditNoteIssued)) == 1
    assert harness.retries == []


HISTORIES: tuple[tuple[Event, ...], ...] = (
    (captured(), cancelled()),
    (capture_failed(), captured(), cancelled()),
    (cancelled(), captured(), captured("order-2")),
    (cancelled(), cancelled(reason="twice"), capture_failed()),
)


@pytest.mark.parametrize("history", HISTORIES)
async def test_what_is_told_again_by_a_replay_draws_no_number_and_changes_no_paper(
    harness: Harness, history: tuple[Event, ...]
) -> None:
    await assert_repeatable(harness, *history)


def test_whatever_may_run_in_a_replay_is_proved_repeatable_above() -> None:
    proved = {type(event) for history in HISTORIES for event in history}
    assert {one.event for one in service.handlers if one.on_replay == "run"} == proved

"""Every invariant of a torture run finds what breaks it, and nothing in a run that went well.

A torture run that cannot fail proves nothing. So each invariant is held to what was seen of a small mesh that handled
four orders rightly, and to the same with one thing wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from farandole_sandbox.demo.books import Books, Promise
from farandole_sandbox.demo.draining import Backlog
from invariants import (
    INVARIANTS,
    Invariant,
    Seen,
    a_payment_is_captured_once,
    broken,
    consumers_catch_up,
    each_key_is_handled_in_order,
    every_accepted_order_has_ended_once,
    kafka_has_what_inboxes_promise,
    memory_is_bounded,
    no_dead_letter_is_done,
    nothing_is_given_up,
    stock_is_what_came_and_went,
    the_audit_balances,
    the_shop_is_answered_as_it_should,
)
from made_up_books import (
    balanced,
    event_of,
    with_another_row,
    with_changed_event,
    with_changed_row,
    with_effect,
    with_event,
    with_rows,
    without_event,
)
from settling import Settled, is_caught_up

Damage = Callable[[Seen], Seen]
TOLD = tuple(event.id for event in balanced().of_type("CustomerNotified"))


def went_well() -> Seen:
    """A run that went well; all orders are one customer's, and the probe heard in turn what she was told."""
    books = balanced()
    records = [replace(one, fields={**one.fields, "customer_id": "ALFKI"}) for one in books.records]
    rows = [{"position": n, "customer_id": "ALFKI", "event_id": each} for n, each in enumerate(TOLD)]
    return Seen(
        books=with_rows("probe.heard", *rows)(replace(books, records=records)),
        settled=Settled(caught_up=3.0, at_rest=4.0),
        caught_up_within=timedelta(seconds=60),
        peaks={"orders": 100},
    )


def heard(*event_ids: str) -> Damage:
    """Have the probe hear what the customer was told in this order."""
    rows = [{"position": n, "customer_id": "ALFKI", "event_id": each} for n, each in enumerate(event_ids)]
    return of_books(with_rows("probe.heard", *rows))


def of_books(damage: Callable[[Books], Books]) -> Damage:
    return lambda seen: replace(seen, books=damage(seen.books))


def settled_so(caught_up: float | None, at_rest: float | None) -> Damage:
    return lambda seen: replace(seen, settled=Settled(caught_up=caught_up, at_rest=at_rest, left="5 records"))


def _dead(service: str, *, also_handled: bool) -> Callable[[Books], Books]:
    def damage(books: Books) -> Books:
        event = event_of(books, "A", "OrderPlaced")
        inbox = dict(books.inboxes[service])
        if not also_handled:
            inbox[event.id] = replace(inbox[event.id], given_up=True)
        return replace(books, dead=[(service, event)], inboxes={**books.inboxes, service: inbox})

    return damage


def _promised_elsewhere(books: Books) -> Books:
    event = event_of(books, "A", "OrderPlaced")
    inbox = dict(books.inboxes["erp"])
    more = (*inbox[event.id].promises, Promise(event_id="nowhere", fullname="farandole.X"))
    inbox[event.id] = replace(inbox[event.id], promises=more)
    return replace(books, inboxes={**books.inboxes, "erp": inbox})


def _said_twice_differently(books: Books) -> Books:
    event = event_of(books, "A", "PaymentCaptured")
    return replace(books, records=[*books.records, replace(event, fields={**event.fields, "amount_cents": 1})])


def test_a_run_that_went_well_breaks_nothing():
    assert broken(went_well()) == []


@pytest.mark.parametrize(
    ("invariant", "damage"),
    [
        (every_accepted_order_has_ended_once, of_books(without_event("A", "OrderCompleted"))),
        (every_accepted_order_has_ended_once, of_books(with_event("A", "OrderCancelled"))),
        (every_accepted_order_has_ended_once, of_books(with_event("A", "OrderCompleted"))),
        (every_accepted_order_has_ended_once, of_books(with_changed_row("orders.orders", 0, status="packed"))),
        (stock_is_what_came_and_went, of_books(with_changed_row("inventory.stock", 0, reserved=1_000))),
        (stock_is_what_came_and_went, of_books(with_changed_row("inventory.reservation_lines", 0, quantity=5_000))),
        (stock_is_what_came_and_went, of_books(with_another_row("inventory.reservation_lines", order_id="A"))),
        (a_payment_is_captured_once, of_books(with_effect("capture", "A"))),
        (kafka_has_what_inboxes_promise, of_books(without_event("A", "OrderPacked"))),
        (kafka_has_what_inboxes_promise, of_books(_promised_elsewhere)),
        (kafka_has_what_inboxes_promise, of_books(_said_twice_differently)),
        (each_key_is_handled_in_order, heard(*reversed(TOLD))),
        (each_key_is_handled_in_order, heard(*TOLD[1:])),
        (each_key_is_handled_in_order, heard(*TOLD, TOLD[-1])),
        (no_dead_letter_is_done, of_books(_dead("erp", also_handled=True))),
        (nothing_is_given_up, of_books(_dead("erp", also_handled=False))),
        (consumers_catch_up, settled_so(61.0, 62.0)),
        (consumers_catch_up, settled_so(None, None)),
        (consumers_catch_up, settled_so(3.0, None)),
        (memory_is_bounded, lambda seen: replace(seen, peaks={"orders": 5_000})),
        (memory_is_bounded, lambda seen: replace(seen, peaks={"kafka": 5_000})),
        (the_shop_is_answered_as_it_should, lambda seen: replace(seen, surprises=["order 1 was answered 500"])),
        (the_audit_balances, of_books(with_changed_event("A", "OrderPlaced", total_cents=1))),
    ],
)
def test_an_invariant_finds_what_breaks_it(invariant: Invariant, damage: Damage):
    assert list(invariant(went_well())) == []
    assert list(invariant(damage(went_well()))) != []
    assert invariant in INVARIANTS


def test_retries_that_are_not_due_are_nobody_who_is_behind():
    retry = {"payments payments.retry.2": 3}
    assert is_caught_up(Backlog(lag=retry, held=1))
    assert not is_caught_up(Backlog(lag=retry, held=0))
    assert not is_caught_up(Backlog(lag={"payments orders": 1}, held=1))
    assert not is_caught_up(Backlog(outboxes=1))
    assert not is_caught_up(Backlog(away="orders does not answer"))
    assert is_caught_up(Backlog())

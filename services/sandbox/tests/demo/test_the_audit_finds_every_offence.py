"""Every rule of the demo's audit, held to books with one thing wrong. Books with nothing wrong balance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from farandole.identity import derived_id
from farandole_sandbox.demo.audit import (
    chain_rules,
    delivery_rules,
    goods_rules,
    money_rules,
    order_rules,
    sales_rules,
    stock_rules,
)
from farandole_sandbox.demo.audit.audit import RULES, audit
from farandole_sandbox.demo.audit.finding import Kind, Rule
from farandole_sandbox.demo.books import Books, Handled, Promise
from made_up_books import (
    CHAI,
    Damage,
    balanced,
    errand,
    event_of,
    with_another_row,
    with_changed_event,
    with_changed_row,
    with_effect,
    with_event,
    with_rows,
    without_effect,
    without_event,
)

LOST, DOUBLED, UNEXPLAINED = Kind.LOST, Kind.DOUBLED, Kind.UNEXPLAINED


def _handled_nothing(service: str, order_id: str, name: str) -> Damage:
    def damage(books: Books) -> Books:
        gone = event_of(books, order_id, name).id
        inbox = {key: value for key, value in books.inboxes[service].items() if key != gone}
        return replace(books, inboxes={**books.inboxes, service: inbox})

    return damage


def _gave_up(service: str, order_id: str, name: str) -> Damage:
    def damage(books: Books) -> Books:
        event_id = event_of(books, order_id, name).id
        row = Handled(event_id=event_id, given_up=True)
        return replace(books, inboxes={**books.inboxes, service: {**books.inboxes[service], event_id: row}})

    return damage


def _promises(service: str, event_id: str) -> Damage:
    def damage(books: Books) -> Books:
        row = Handled(event_id="x", given_up=False, promises=(Promise(event_id=event_id, fullname="farandole.X"),))
        return replace(books, inboxes={**books.inboxes, service: {**books.inboxes[service], "x": row}})

    return damage


def _source_changed(order_id: str, name: str, **changes: object) -> Damage:
    def damage(books: Books) -> Books:
        found = event_of(books, order_id, name)
        changed = replace(found, **changes)
        return replace(books, records=[changed if one.id == found.id else one for one in books.records])

    return damage


def _webhook(**changes: object) -> Damage:
    return lambda books: replace(books, webhooks=[{**books.webhooks[0], **changes}, *books.webhooks[1:]])


def _effects_changed(kind: str, order_id: str, **changes: object) -> Damage:
    return lambda books: replace(
        books,
        effects=[
            replace(one, **changes) if (one.kind, one.order_id) == (kind, order_id) else one for one in books.effects
        ],
    )


def _placed_with(place: int, **changes: object) -> Damage:
    def damage(books: Books) -> Books:
        placed = list(books.placed)
        placed[place] = replace(placed[place], errand=replace(placed[place].errand, **changes))
        return replace(books, placed=placed)

    return damage


def _both(*damages: Damage) -> Damage:
    def damage(books: Books) -> Books:
        for one in damages:
            books = one(books)
        return books

    return damage


def _figure(**changes: object) -> Damage:
    def damage(books: Books) -> Books:
        window = "2026-11-23T12:30Z"
        fields = {"window": window, "product_id": None, "country": "France", "orders": 4, "currency": "USD"}
        fields |= {"units": 60, "revenue_cents": 4 * 500 + 60 * 1800, **changes}
        told = (str(fields[one]) for one in ("orders", "units", "revenue_cents"))
        event_id = derived_id("sales", window, "country", "France", "USD", *told)
        told = replace(
            books.records[0],
            id=event_id,
            flow=derived_id("sales", window),
            causes=(),
            type="SalesPerMinute",
            fullname="farandole.SalesPerMinute",
            source="analytics",
            fields=fields,
        )
        return replace(books, records=[*books.records, told])

    return damage


OFFENCES: tuple[tuple[str, Rule, Damage, Kind], ...] = (
    ("a record is unreadable", delivery_rules.every_event_can_be_read, with_event("A", "Unreadable"), UNEXPLAINED),
    (
        "an event answers one that is not there",
        delivery_rules.every_cause_is_an_event,
        _source_changed("A", "StockReserved", causes=("nobody",)),
        UNEXPLAINED,
    ),
    (
        "an event belongs to a flow that nothing began",
        delivery_rules.every_cause_is_an_event,
        _source_changed("A", "StockReserved", flow="nobody"),
        UNEXPLAINED,
    ),
    (
        "an id is not derived",
        delivery_rules.every_event_has_a_cause_that_yields_its_id,
        with_event("A", "StockReserved"),
        UNEXPLAINED,
    ),
    (
        "a figure has an id that its content does not yield",
        delivery_rules.every_event_has_a_cause_that_yields_its_id,
        _both(
            _figure(), lambda books: replace(books, records=[*books.records[:-1], replace(books.records[-1], id="z")])
        ),
        UNEXPLAINED,
    ),
    (
        "an event is published that no inbox knows",
        delivery_rules.every_follow_on_was_stored,
        _handled_nothing("inventory", "A", "OrderPlaced"),
        UNEXPLAINED,
    ),
    (
        "a stored follow-on was never published",
        delivery_rules.every_stored_follow_on_is_published,
        without_event("A", "OrderCompleted"),
        LOST,
    ),
    (
        "a promise is of another type than its event",
        delivery_rules.every_stored_follow_on_is_published,
        _promises("orders", derived_id("order-placed", "A")),
        LOST,
    ),
    (
        "a service did not handle what it hears",
        delivery_rules.every_heard_event_is_handled,
        _handled_nothing("erp", "A", "OrderPlaced"),
        LOST,
    ),
    (
        "a service gave up what is not dead",
        delivery_rules.every_heard_event_is_handled,
        _gave_up("erp", "A", "OrderPlaced"),
        LOST,
    ),
    (
        "an inbox knows what Kafka does not",
        delivery_rules.every_handled_event_exists,
        _promises("erp", "y"),
        UNEXPLAINED,
    ),
    ("a webhook was never taken", delivery_rules.every_webhook_is_an_event, _webhook(acknowledged=0), LOST),
    ("a webhook became no event", delivery_rules.every_webhook_is_an_event, _webhook(id="wh-other"), LOST),
    (
        "an accepted order is not in Kafka",
        order_rules.every_accepted_order_is_placed_once,
        without_event("A", "OrderPlaced"),
        LOST,
    ),
    (
        "an accepted order is not in the database",
        order_rules.every_accepted_order_is_placed_once,
        with_changed_row("orders.orders", 0, order_id="A2"),
        LOST,
    ),
    (
        "an order is there that nobody placed",
        order_rules.every_accepted_order_is_placed_once,
        with_event("Z", "OrderPlaced"),
        UNEXPLAINED,
    ),
    (
        "one request became two orders",
        order_rules.every_accepted_order_is_placed_once,
        _both(
            with_event("A2", "OrderPlaced"),
            with_another_row("orders.orders", order_id="A2", reference="10248"),
            lambda books: replace(books, placed=[*books.placed, replace(books.placed[0], order_id="A2")]),
        ),
        DOUBLED,
    ),
    ("an end has no event", order_rules.every_order_ends_once, without_event("A", "OrderCompleted"), LOST),
    ("an order ends twice", order_rules.every_order_ends_once, with_event("A", "OrderCompleted"), DOUBLED),
    ("an order ends both ways", order_rules.every_order_ends_once, with_event("A", "OrderCancelled"), UNEXPLAINED),
    ("a fact is told twice", order_rules.every_fact_is_told_once, with_event("A", "PaymentCaptured"), DOUBLED),
    (
        "a good order is cancelled",
        order_rules.orders_end_as_their_input_says,
        with_changed_row("orders.orders", 0, status="cancelled", cause="payment_declined"),
        UNEXPLAINED,
    ),
    (
        "a declined order is completed",
        order_rules.orders_end_as_their_input_says,
        with_changed_row("orders.orders", 1, status="completed", cause=None),
        UNEXPLAINED,
    ),
    (
        "an order is completed although its parcel came back",
        order_rules.orders_end_as_their_input_says,
        _webhook(order_id="A", body={"type": "returned"}),
        UNEXPLAINED,
    ),
    (
        "an order is rejected although the goods are there",
        order_rules.only_what_is_gone_is_rejected,
        _placed_with(2, order=errand("10250", product=CHAI).order),
        UNEXPLAINED,
    ),
    (
        "an order is supplied with more than there ever was",
        order_rules.only_what_is_gone_is_rejected,
        with_event("C", "StockReserved"),
        UNEXPLAINED,
    ),
    ("a refused card holds money", order_rules.refused_cards_get_nothing, with_effect("hold", "B"), UNEXPLAINED),
    ("a refused card is packed for", order_rules.refused_cards_get_nothing, with_effect("package", "B"), UNEXPLAINED),
    (
        "a refused card is invoiced",
        order_rules.refused_cards_get_nothing,
        with_event("B", "InvoiceIssued"),
        UNEXPLAINED,
    ),
    (
        "an order costs something else",
        order_rules.amounts_are_right,
        with_changed_event("A", "InvoiceIssued", total_cents=1),
        UNEXPLAINED,
    ),
    (
        "a packed order is not dispatched",
        chain_rules.every_event_is_followed_by_what_it_demands,
        without_event("A", "ShipmentDispatched"),
        LOST,
    ),
    (
        "the stock of a cancelled order is kept",
        chain_rules.every_event_is_followed_by_what_it_demands,
        without_event("B", "StockReleased"),
        LOST,
    ),
    (
        "an order has events that exclude one another",
        chain_rules.no_order_has_what_excludes_one_another,
        with_event("A", "StockReleased"),
        UNEXPLAINED,
    ),
    (
        "something is told of an unknown order",
        chain_rules.every_event_of_an_order_has_an_order,
        with_event("Z", "OrderPacked"),
        UNEXPLAINED,
    ),
    (
        "stock is negative",
        stock_rules.stock_is_never_negative,
        with_changed_row("inventory.stock", 1, reserved=21),
        UNEXPLAINED,
    ),
    (
        "stock began with other units",
        stock_rules.stock_began_as_the_input_says,
        with_changed_row("inventory.stock", 0, initial=40),
        UNEXPLAINED,
    ),
    (
        "units vanish",
        stock_rules.stock_moves_as_events_say,
        with_changed_row("inventory.stock", 0, received=49),
        UNEXPLAINED,
    ),
    (
        "units are reserved for nobody",
        stock_rules.stock_moves_as_reservations_say,
        with_changed_row("inventory.stock", 0, reserved=40),
        UNEXPLAINED,
    ),
    (
        "an order was never decided about",
        stock_rules.every_order_is_decided_about_once,
        with_rows("inventory.reservations"),
        LOST,
    ),
    (
        "an order is decided about twice",
        stock_rules.every_order_is_decided_about_once,
        with_another_row("inventory.reservations"),
        DOUBLED,
    ),
    (
        "a shortage is ordered twice",
        stock_rules.every_shortage_is_supplied_once,
        lambda books: replace(
            books,
            effects=[*books.effects, *(replace(e, id="po2") for e in books.effects if e.kind == "purchase_order")],
        ),
        DOUBLED,
    ),
    (
        "a shortage is ordered nowhere",
        stock_rules.every_shortage_is_supplied_once,
        lambda books: replace(books, records=[one for one in books.records if one.type != "PurchaseOrderSent"]),
        LOST,
    ),
    (
        "goods never came",
        stock_rules.what_was_ordered_is_received,
        lambda books: replace(books, records=[one for one in books.records if one.type != "GoodsReceived"]),
        LOST,
    ),
    (
        "goods were counted twice",
        stock_rules.what_was_ordered_is_received,
        with_another_row("inventory.goods_receipts"),
        DOUBLED,
    ),
    (
        "goods came that nobody ordered",
        stock_rules.what_was_ordered_is_received,
        with_another_row("inventory.goods_receipts", purchase_order_id="po-Z"),
        UNEXPLAINED,
    ),
    ("money was taken twice", money_rules.the_gateway_did_what_events_say, with_effect("capture", "A"), DOUBLED),
    ("money was held twice", money_rules.the_gateway_did_what_events_say, with_effect("hold", "A"), DOUBLED),
    (
        "money is held that no event tells of",
        money_rules.the_gateway_did_what_events_say,
        with_effect("hold", "B"),
        UNEXPLAINED,
    ),
    (
        "an event tells of money that was not taken",
        money_rules.the_gateway_did_what_events_say,
        without_effect("capture", "A"),
        LOST,
    ),
    (
        "a cancelled order's money is still held",
        money_rules.what_was_held_or_taken_goes_back_when_cancelled,
        without_effect("void", "C"),
        LOST,
    ),
    (
        "a returned order's money was kept",
        money_rules.what_was_held_or_taken_goes_back_when_cancelled,
        without_effect("refund", "D"),
        LOST,
    ),
    (
        "a refund is not the whole",
        money_rules.what_was_held_or_taken_goes_back_when_cancelled,
        _effects_changed("refund", "D", amount_cents=1),
        UNEXPLAINED,
    ),
    (
        "an invoice says unpaid and the money was taken",
        money_rules.completed_orders_are_paid_or_billed,
        with_changed_event("A", "InvoiceIssued", paid=False),
        UNEXPLAINED,
    ),
    (
        "a payment names a hold that nobody made",
        money_rules.payments_agree_with_the_gateway,
        with_changed_row("payments.payment", 0, hold_id="hold-Z"),
        UNEXPLAINED,
    ),
    (
        "a payment never got on",
        money_rules.payments_agree_with_the_gateway,
        with_changed_row("payments.payment", 0, state="capturing"),
        LOST,
    ),
    (
        "an invoice number is missing",
        money_rules.invoice_numbers_have_no_gap,
        with_changed_row("invoicing.invoice", 0, number=3),
        LOST,
    ),
    (
        "an invoice number is there twice",
        money_rules.invoice_numbers_have_no_gap,
        with_another_row("invoicing.invoice"),
        DOUBLED,
    ),
    (
        "an order has two invoices",
        money_rules.every_order_has_one_invoice_at_most,
        with_another_row("invoicing.invoice", number=3),
        DOUBLED,
    ),
    ("an order is packed twice", goods_rules.packages_are_those_of_packed_orders, with_effect("package", "A"), DOUBLED),
    (
        "a package was never made",
        goods_rules.packages_are_those_of_packed_orders,
        without_effect("package", "A"),
        LOST,
    ),
    (
        "an order is sent twice",
        goods_rules.shipments_are_those_of_dispatched_orders,
        with_effect("shipment", "A"),
        DOUBLED,
    ),
    (
        "an order is packed without money",
        goods_rules.only_reserved_and_paid_orders_are_packed,
        without_event("A", "PaymentAuthorised"),
        UNEXPLAINED,
    ),
    (
        "an order is packed with other goods",
        goods_rules.only_reserved_and_paid_orders_are_packed,
        with_changed_event("A", "OrderPacked", lines=[]),
        UNEXPLAINED,
    ),
    ("a stage is not in the ERP", goods_rules.the_erp_has_each_stage_once, without_effect("posting", "A"), LOST),
    ("a stage is in the ERP twice", goods_rules.the_erp_has_each_stage_once, with_effect("posting", "A"), DOUBLED),
    (
        "a customer is told twice",
        goods_rules.customers_are_told_each_thing_once,
        with_effect("notification", "A"),
        DOUBLED,
    ),
    (
        "a customer is told nothing",
        goods_rules.customers_are_told_each_thing_once,
        without_effect("notification", "A"),
        LOST,
    ),
    (
        "a customer is told something else",
        goods_rules.customers_are_told_each_thing_once,
        with_changed_event("A", "CustomerNotified", template="order-lost"),
        UNEXPLAINED,
    ),
    ("something is done twice outside", goods_rules.nothing_was_done_twice_outside, with_effect("hold", "A"), DOUBLED),
    (
        "something is done for an unknown order",
        goods_rules.nothing_was_done_for_unknown_orders,
        with_effect("package", "Z"),
        UNEXPLAINED,
    ),
    ("an order is counted twice", sales_rules.figures_are_sums_of_orders, _figure(orders=5), DOUBLED),
    ("a figure counts other units", sales_rules.figures_are_sums_of_orders, _figure(units=61), UNEXPLAINED),
)


def test_books_with_nothing_wrong_balance() -> None:
    assert audit(balanced()).findings == ()
    assert audit(balanced()).balances


def test_a_figure_that_counts_rightly_is_right() -> None:
    assert audit(_figure()(balanced())).findings == ()


def test_a_figure_that_was_told_before_the_last_order_came_is_right() -> None:
    early = _figure(orders=3, units=1, revenue_cents=1)(balanced())
    assert list(sales_rules.figures_are_sums_of_orders(early)) == []


@pytest.mark.parametrize(
    ("rule", "damage", "kind"), [one[1:] for one in OFFENCES], ids=[one[0].replace(" ", "_") for one in OFFENCES]
)
def test_an_offence_is_found(rule: Rule, damage: Damage, kind: Kind) -> None:
    assert list(rule(balanced())) == []
    assert kind in {misfit.kind for misfit in rule(damage(balanced()))}


def test_every_rule_is_held_to_an_offence() -> None:
    assert {rule.__name__ for rule in RULES} == {rule.__name__ for _, rule, _, _ in OFFENCES}


def test_a_dead_letter_is_not_lost() -> None:
    books = _handled_nothing("erp", "A", "OrderPlaced")(balanced())
    dead = replace(books, dead=[("erp", event_of(books, "A", "OrderPlaced"))])
    assert list(delivery_rules.every_heard_event_is_handled(dead)) == []


def test_what_waits_for_a_dead_letter_is_parked_and_not_lost() -> None:
    books = with_changed_row("payments.payment", 0, state="capturing")(balanced())
    assert audit(books).counts["lost"] > 0
    another = replace(books, dead=[("payments", event_of(books, "B", "OrderPlaced"))])
    assert audit(another).counts["lost"] > 0
    found = audit(replace(books, dead=[("payments", event_of(books, "A", "ShipmentDispatched"))]))
    assert found.balances
    assert {finding.rule for finding in found.parked} == {"payments_agree_with_the_gateway"}


def test_what_was_done_twice_is_doubled_also_where_a_dead_letter_waits() -> None:
    books = with_effect("capture", "A")(balanced())
    found = audit(replace(books, dead=[("crm", event_of(books, "A", "OrderPlaced"))]))
    assert found.counts["doubled"] > 0


def test_a_carrier_that_brings_a_parcel_back_unasked_explains_the_cancellation() -> None:
    unasked = _placed_with(3, returned=False)(balanced())
    assert list(order_rules.orders_end_as_their_input_says(unasked)) == []
    silent = replace(unasked, webhooks=[{**one, "body": {"type": "delivered"}} for one in unasked.webhooks])
    assert [misfit.kind for misfit in order_rules.orders_end_as_their_input_says(silent)] == [UNEXPLAINED]


def test_two_records_of_one_event_are_allowed() -> None:
    books = balanced()
    assert audit(replace(books, records=[*books.records, *books.records])).findings == ()


def test_an_order_that_is_still_open_has_no_end_to_be_missed() -> None:
    books = _both(with_changed_row("orders.orders", 0, status="packed"), without_event("A", "OrderCompleted"))(
        balanced()
    )
    assert list(order_rules.every_order_ends_once(books)) == []


def test_findings_are_counted_by_their_kind() -> None:
    found = audit(with_effect("capture", "A")(balanced()))
    assert not found.balances
    assert found.counts["doubled"] > 0
    assert found.counts["lost"] == 0

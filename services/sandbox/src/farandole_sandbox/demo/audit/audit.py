"""Audit: every rule held to the books of a mesh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from farandole_sandbox.demo.audit import (
    chain_rules,
    delivery_rules,
    goods_rules,
    money_rules,
    order_rules,
    sales_rules,
    stock_rules,
)
from farandole_sandbox.demo.audit.finding import Finding, Kind, Rule
from farandole_sandbox.demo.books import Books

_DELIVERY_RULES: Final[Sequence[Rule]] = (
    delivery_rules.every_event_can_be_read,
    delivery_rules.every_cause_is_an_event,
    delivery_rules.every_event_has_a_cause_that_yields_its_id,
    delivery_rules.every_follow_on_was_stored,
    delivery_rules.every_stored_follow_on_is_published,
    delivery_rules.every_heard_event_is_handled,
    delivery_rules.every_handled_event_exists,
    delivery_rules.every_webhook_is_an_event,
)
"""These know of each dead letter what it excuses: one delivery."""

_BUSINESS_RULES: Final[Sequence[Rule]] = (
    order_rules.every_accepted_order_is_placed_once,
    order_rules.every_order_ends_once,
    order_rules.every_fact_is_told_once,
    order_rules.orders_end_as_their_input_says,
    order_rules.only_what_is_gone_is_rejected,
    order_rules.refused_cards_get_nothing,
    order_rules.amounts_are_right,
    chain_rules.every_event_is_followed_by_what_it_demands,
    chain_rules.no_order_has_what_excludes_one_another,
    chain_rules.every_event_of_an_order_has_an_order,
    stock_rules.stock_is_never_negative,
    stock_rules.stock_began_as_the_input_says,
    stock_rules.stock_moves_as_events_say,
    stock_rules.stock_moves_as_reservations_say,
    stock_rules.every_order_is_decided_about_once,
    stock_rules.every_shortage_is_supplied_once,
    stock_rules.what_was_ordered_is_received,
    money_rules.the_gateway_did_what_events_say,
    money_rules.what_was_held_or_taken_goes_back_when_cancelled,
    money_rules.completed_orders_are_paid_or_billed,
    money_rules.payments_agree_with_the_gateway,
    money_rules.invoice_numbers_have_no_gap,
    money_rules.every_order_has_one_invoice_at_most,
    goods_rules.packages_are_those_of_packed_orders,
    goods_rules.shipments_are_those_of_dispatched_orders,
    goods_rules.only_reserved_and_paid_orders_are_packed,
    goods_rules.the_erp_has_each_stage_once,
    goods_rules.customers_are_told_each_thing_once,
    goods_rules.nothing_was_done_twice_outside,
    goods_rules.nothing_was_done_for_unknown_orders,
    sales_rules.figures_are_sums_of_orders,
)


RULES: Final[Sequence[Rule]] = (*_DELIVERY_RULES, *_BUSINESS_RULES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What the rules found; it balances when they found nothing.

    ``parked`` is what they found of orders and shortages that wait for somebody to look at a dead letter: neither lost
    nor unexplained, and not as it should be.
    """

    findings: tuple[Finding, ...]
    parked: tuple[Finding, ...] = ()

    @property
    def balances(self) -> bool:
        """Whether nothing was lost, doubled or unexplained."""
        return not self.findings

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings there are of each kind."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind.value: found[kind] for kind in Kind}


def audit(books: Books) -> Audit:
    """Hold every rule to the books."""
    waiting = _waiting(books)
    found, parked = _found(_DELIVERY_RULES, books), list[Finding]()
    for finding in _found(_BUSINESS_RULES, books):
        excused = finding.kind is not Kind.DOUBLED and any(one in finding.what for one in waiting)
        (parked if excused else found).append(finding)
    return Audit(findings=tuple(found), parked=tuple(parked))


def _found(rules: Sequence[Rule], books: Books) -> list[Finding]:
    return [Finding(rule=rule.__name__, kind=misfit.kind, what=misfit.what) for rule in rules for misfit in rule(books)]


def _waiting(books: Books) -> frozenset[str]:
    """Return the orders and shortages that have a dead letter: what should follow from it does not, for now."""
    about = (record.order_id or record.fields.get("shortage_id") for _, record in books.dead)
    return frozenset(filter(None, about))

"""Invariants: what must hold when a torture run is over, read from outside: topics, databases, the outside's books.

Each is a pure function of what was seen and yields, in words, whatever breaks it. The demo's audit knows many more
rules; these few are written a second time on purpose, from other sources, so that a mistake there cannot hide one here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from farandole_sandbox.demo.audit.audit import audit
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.record import Record
from settling import Settled

_ENDS = {"completed": "OrderCompleted", "cancelled": "OrderCancelled"}
MOST_MEGABYTES = {"kafka": 400, "redis": 150}
MOST_OF_A_SERVICE = 256


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of a run: its books, how it settled, the peaks of memory in megabytes, the shop's surprises."""

    books: Books
    settled: Settled
    caught_up_within: timedelta
    peaks: Mapping[str, int] = field(default_factory=dict[str, int])
    surprises: Sequence[str] = ()
    order_was_probed: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """One thing that breaks an invariant."""

    invariant: str
    what: str


Invariant = Callable[[Seen], Iterable[str]]


def every_accepted_order_has_ended_once(seen: Seen) -> Iterable[str]:
    """An order that was answered 202 is either completed or cancelled, in the database and in Kafka."""
    rows = {row["order_id"]: row["status"] for row in seen.books.rows("orders.orders")}
    for placed in seen.books.placed:
        told = [event for event in _ENDS.values() for _ in seen.books.of(placed.order_id, event)]
        status = rows.get(placed.order_id)
        if told != [_ENDS.get(status or "")]:
            yield f"order {placed.errand.reference} ({placed.order_id}) is {status}, and its ends are {told}"


def stock_is_what_came_and_went(seen: Seen) -> Iterable[str]:
    """What is left of a product is at least nothing, and what the reservations leave of it."""
    held = Counter[str]()
    state = {row["order_id"]: row["state"] for row in seen.books.rows("inventory.reservations")}
    lines = Counter[tuple[str, str]]()
    for line in seen.books.rows("inventory.reservation_lines"):
        if state.get(line["order_id"]) == "held":
            held[line["product_id"]] += line["quantity"]
            lines[line["order_id"], line["product_id"]] += 1
    for (order_id, product_id), count in lines.items():
        if count > 1:
            yield f"order {order_id} has {count} live reservations of product {product_id}"
    for row in seen.books.rows("inventory.stock"):
        left = row["initial"] + row["received"] - row["reserved"] + row["released"]
        by_lines = row["initial"] + row["received"] - held[row["product_id"]]
        if left < 0 or left != by_lines:
            yield f"product {row['product_id']} has {left} left, and by its reservations {by_lines}"


def a_payment_is_captured_once(seen: Seen) -> Iterable[str]:
    """No order has two captures in the gateway's own books."""
    captures = Counter(effect.order_id for effect in seen.books.effects if effect.kind == "capture")
    for order_id, count in captures.items():
        if count > 1:
            yield f"order {order_id} was captured {count} times"


def kafka_has_what_inboxes_promise(seen: Seen) -> Iterable[str]:
    """The follow-ons of every handled event are in Kafka, each record of an id says the same, and none is elsewhere."""
    fields: dict[str, object] = {}
    for record in seen.books.records:
        if fields.setdefault(record.id, (record.fullname, record.fields)) != (record.fullname, record.fields):
            yield f"{record} is there twice and says two things"
    for service, inbox in seen.books.inboxes.items():
        promised = Counter(promise.event_id for handled in inbox.values() for promise in handled.promises)
        for event_id, count in promised.items():
            if count > 1:
                yield f"{service} promises {event_id} {count} times"
            if event_id not in seen.books.events:
                yield f"{service} promises {event_id}, which is in no topic"


def each_key_is_handled_in_order(seen: Seen) -> Iterable[str]:
    """The order probe has handled each event once, those of a customer in the order of the topic."""
    if not seen.order_was_probed:
        return
    told: dict[str, list[str]] = defaultdict(list)
    for event in seen.books.of_type("CustomerNotified"):
        told[event.fields["customer_id"]].append(event.id)
    heard: dict[str, list[str]] = defaultdict(list)
    for row in sorted(seen.books.rows("probe.heard"), key=lambda row: row["position"]):
        heard[row["customer_id"]].append(row["event_id"])
    for customer in sorted(told | heard):
        if told[customer] != heard[customer]:
            yield f"customer {customer} was told {told[customer]}, and the probe heard {heard[customer]}"


def no_dead_letter_is_done(seen: Seen) -> Iterable[str]:
    """Nothing was both given up and handled."""
    for (service, event_id), copies in _dead(seen).items():
        handled = seen.books.inboxes.get(service, {}).get(event_id)
        if handled is not None and not handled.given_up:
            yield f"{service} has given up {copies[0]}, and has handled it"


def _dead(seen: Seen) -> Mapping[tuple[str, str], Sequence[Record]]:
    """Return the dead letters by service and event: a redelivery publishes them again, under the same id."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for service, record in seen.books.dead:
        found[service, record.id].append(record)
    return found


def nothing_is_given_up(seen: Seen) -> Iterable[str]:
    """Every fault of the timeline ends by itself: nothing should need a person."""
    for (service, _), copies in _dead(seen).items():
        yield f"{service} has given up {copies[0]}" + (f", and says so {len(copies)} times" if copies[1:] else "")


def consumers_catch_up(seen: Seen) -> Iterable[str]:
    """No consumer is behind for long after the last fault, and in the end nothing is left to do."""
    within, settled = seen.caught_up_within.total_seconds(), seen.settled
    if settled.caught_up is None or settled.caught_up > within:
        yield f"consumers caught up after {settled.caught_up} s, not within {within:g} s; left were {settled.left}"
    if settled.at_rest is None:
        yield f"the mesh does not come to rest; left are {settled.left}"


def memory_is_bounded(seen: Seen) -> Iterable[str]:
    """No process ever held more than its share."""
    for name, peak in seen.peaks.items():
        most = MOST_MEGABYTES.get(name, MOST_OF_A_SERVICE)
        if peak > most:
            yield f"{name} held {peak} MB, and should hold {most} at most"


def the_shop_is_answered_as_it_should(seen: Seen) -> Iterable[str]:
    """Nobody got an answer that the API does not promise."""
    yield from seen.surprises


def the_audit_balances(seen: Seen) -> Iterable[str]:
    """The demo's audit finds nothing lost, doubled or unexplained, and nothing parked."""
    found = audit(seen.books)
    for finding in (*found.findings, *found.parked):
        yield f"{finding.kind}: {finding.what} ({finding.rule})"


INVARIANTS: Sequence[Invariant] = (
    every_accepted_order_has_ended_once,
    stock_is_what_came_and_went,
    a_payment_is_captured_once,
    kafka_has_what_inboxes_promise,
    each_key_is_handled_in_order,
    no_dead_letter_is_done,
    nothing_is_given_up,
    consumers_catch_up,
    memory_is_bounded,
    the_shop_is_answered_as_it_should,
    the_audit_balances,
)


def broken(seen: Seen) -> list[Broken]:
    """Hold every invariant to what was seen."""
    return [
        Broken(invariant=invariant.__name__.replace("_", " "), what=what)
        for invariant in INVARIANTS
        for what in invariant(seen)
    ]

"""Delivery rules: every event has a cause, every cause its follow-ons, every hearer its inbox row. No business here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from farandole.identity import derived_id, follow_on_id, join_id, webhook_id

from farandole_sandbox.demo.audit.figure import is_figure
from farandole_sandbox.demo.audit.finding import Misfit, lost, unexplained
from farandole_sandbox.demo.books import Books
from farandole_sandbox.demo.record import Record

_MOST_OF_A_TYPE: Final = 100
_WEBHOOK_SOURCES: Final = {"shipping": "carrier", "suppliers": "suppliers.goods"}


def every_event_can_be_read(books: Books) -> Iterable[Misfit]:
    """No record of a domain topic is unreadable."""
    for event in books.of_type("Unreadable"):
        yield unexplained(f"the record {event.id} of {event.topic} cannot be read")


def every_cause_is_an_event(books: Books) -> Iterable[Misfit]:
    """Whatever an event says that it answers is in Kafka, and so is the first event of its flow."""
    for event in books.events.values():
        # The figures of a minute are a flow of their own, which no event began.
        for cause in event.causes if is_figure(event) else (*event.causes, event.flow):
            if cause and cause not in books.events:
                yield unexplained(f"{event} names {cause}, which is in no topic")


def every_event_has_a_cause_that_yields_its_id(books: Books) -> Iterable[Misfit]:
    """Ids are derived: from the event answered, from a join, from a request, from a webhook. Timers name a cause."""
    webhooks = webhook_ids(books)
    for event in books.events.values():
        if not (_is_first(event, webhooks) or _is_derived(event) or is_figure(event) or _is_timed(event, books)):
            yield unexplained(f"{event} by {event.source} has an id that nothing yields")


def every_follow_on_was_stored(books: Books) -> Iterable[Misfit]:
    """Whatever a service with an inbox publishes is in that inbox, or came in from outside, or by a timer."""
    webhooks = webhook_ids(books)
    stored = {
        service: {promise.event_id for handled in inbox.values() for promise in handled.promises}
        for service, inbox in books.inboxes.items()
    }
    for event in books.events.values():
        kept = stored.get(event.source)
        if kept is None or event.id in kept or _is_first(event, webhooks) or _is_timed(event, books):
            continue
        yield unexplained(f"{event} was published by {event.source}, whose inbox does not know it")


def every_stored_follow_on_is_published(books: Books) -> Iterable[Misfit]:
    """Whatever an inbox keeps as a follow-on is in Kafka, as the type that it was stored as."""
    for service, inbox in books.inboxes.items():
        for handled in inbox.values():
            for promise in handled.promises:
                found = books.events.get(promise.event_id)
                if found is None or found.fullname != promise.fullname:
                    yield lost(f"{promise.fullname} {promise.event_id}, stored by {service}, is in no topic")


def every_heard_event_is_handled(books: Books) -> Iterable[Misfit]:
    """Every event of a type that a service hears is in its inbox, or dead."""
    dead = {(service, record.id) for service, record in books.dead}
    for service, inbox in books.inboxes.items():
        hears = books.hearing[service].hears if service in books.hearing else frozenset[str]()
        for event in books.events.values():
            if event.fullname not in hears or (service, event.id) in dead:
                continue
            handled = inbox.get(event.id)
            if handled is None or handled.given_up:
                yield lost(f"{event} was not handled by {service}")


def every_handled_event_exists(books: Books) -> Iterable[Misfit]:
    """Nobody has handled an event that is in no topic."""
    for service, inbox in books.inboxes.items():
        for event_id in inbox:
            if event_id not in books.events:
                yield unexplained(f"{service} has handled {event_id}, which is in no topic")


def every_webhook_is_an_event(books: Books) -> Iterable[Misfit]:
    """A webhook that was acknowledged is an event; one that was not is still owed."""
    for webhook in books.webhooks:
        if not webhook["acknowledged"]:
            yield lost(f"webhook {webhook['id']} to {webhook['receiver']} was never acknowledged")
        elif _id_of(webhook["receiver"], webhook["id"]) not in books.events:
            yield lost(f"webhook {webhook['id']} was taken by {webhook['receiver']} and became no event")


def webhook_ids(books: Books) -> frozenset[str]:
    """Return the ids of the events that the webhooks become."""
    return frozenset(_id_of(webhook["receiver"], webhook["id"]) for webhook in books.webhooks)


def _id_of(receiver: str, sender_id: str) -> str:
    return webhook_id(source=_WEBHOOK_SOURCES.get(receiver, receiver), sender_id=sender_id)


def _is_first(event: Record, webhooks: frozenset[str]) -> bool:
    """Tell whether an event came in from outside: an order, a wish to cancel it, a webhook."""
    if event.type == "OrderPlaced":
        return event.id == derived_id("order-placed", event.order_id or "")
    if event.type == "CancellationRequested":
        return event.id == derived_id("cancellation-requested", event.order_id or "")
    return event.id in webhooks


def _is_derived(event: Record) -> bool:
    join = event.order_id
    if join is not None and event.id == join_id(join=join, service=event.source, event_type=event.fullname, ordinal=0):
        return True
    return any(
        event.id == follow_on_id(cause=cause, service=event.source, event_type=event.fullname, ordinal=ordinal)
        for ordinal in range(_MOST_OF_A_TYPE)
        for cause in event.causes
    )


def _is_timed(event: Record, books: Books) -> bool:
    """Tell whether a timer of its service emits such an event. Its id says nothing, but it names what it answers."""
    declared = books.hearing.get(event.source)
    return declared is not None and event.fullname in declared.timed and bool(event.causes)

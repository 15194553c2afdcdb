"""Kafka headers: every name of ``farandole.headers``, with its meaning."""

from __future__ import annotations

from typing import Final

from farandole import headers

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# Kafka headers
Records are CloudEvents in binary mode: the envelope in `ce_…` headers, the value Avro behind `00` and a 4-byte schema
id. A record without them is taken as well: its id is then made of where it lies, its type read off the schema id.

## The envelope, on every record
"""
PRIVATE: Final = """\
## Private headers, on a service's own private topics
Elsewhere they are not believed and not published. Retry records and dead letters keep the envelope, the value and every
foreign header of the original.

"""
MEANINGS: Final = {
    "SPEC_VERSION": "The version of CloudEvents: `1.0`.",
    "ID": "The event's id, at most 256 bytes. With the source it is what deduplication goes by.",
    "TYPE": "The full name of the event type, as `farandole.orders.OrderPlaced`.",
    "SOURCE": "The service that emitted it.",
    "SUBJECT": "The key of the record.",
    "TIME": "When it was emitted, RFC 3339.",
    "CORRELATION_ID": "The flow: the id of the first event of the chain.",
    "CAUSATION_ID": "The event that this one answers.",
    "CAUSES": "Further events that caused it, by id, separated by commas.",
    "TRACEPARENT": "The W3C trace context that came with the cause, handed on as it is.",
    "ATTEMPT": "The attempt, from 0. It grows with every retry and redrive.",
    "ROUND": "The attempt with which the latest redrive began; backoff counts from it.",
    "DUE_AFTER_MS": "On a retry record: how long after its append time it is due, in milliseconds.",
    "ORIGIN": "Where the event lies on its domain topic: `topic|partition|offset`.",
    "FIRST_FAILED": "Where the delivery lies that failed first: `topic|partition|offset`.",
    "HANDLER": "The handler that failed.",
    "SERVICE_VERSION": "The version of the service that failed.",
    "ERROR_CLASS": "The class of the error.",
    "ERROR_MESSAGE": "The error's sentence, at most 1,000 characters.",
    "ERROR_STACK": "The frames of the service's own code, at most 4,000 characters.",
    "DISCARDS": "On `<service>.dlq`, on a record that is no dead letter: `1` puts those of its event aside, up to its "
    "attempt; `0` opens them again.",
    "EDITED_FROM": "On a dead letter whose payload an operator changed: where the original lies.",
    "OPERATION": "The id of the redrive, replay, edit or discard that wrote the record, at most 64 "
    "letters, digits, dots and dashes.",
    "REPLAY": "The id of the replay that has the event handled again; ledger and inbox know it by both ids.",
    "EFFECTS": "`1`: in this replay handlers that touch an outside system run too.",
    "CASCADE": "`1`: in this replay follow-ons are published, under ids of its own.",
}


def page() -> str:
    """Return the page. Raises KeyError where a header has no meaning yet: write one above."""
    names = {
        constant: value
        for constant, value in vars(headers).items()
        if constant.isupper() and isinstance(value, str) and constant != "PRIVATE_PREFIX"
    }
    rows = {constant: (code(name), MEANINGS[constant]) for constant, name in names.items()}
    envelope = [row for constant, row in rows.items() if not names[constant].startswith(headers.PRIVATE_PREFIX)]
    private = [row for constant, row in rows.items() if names[constant].startswith(headers.PRIVATE_PREFIX)]
    columns = ("header", "meaning")
    return INTRODUCTION + table(columns, envelope) + "\n" + PRIVATE + table(columns, private)

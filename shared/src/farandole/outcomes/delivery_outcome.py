"""DeliveryOutcome: how one delivery ended that left no record behind."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from farandole.delivery import Delivery

Kind: TypeAlias = Literal["handled", "dropped", "skipped", "conflicting"]
"""Handled and answered by nothing; dropped as a duplicate; skipped by a replay; known under its id with other content.

A conflicting delivery has an ending of its own besides.
"""

LONGEST: Final = 256
MOST_OFFSET: Final = 2**63 - 1
Text: TypeAlias = Annotated[str, Meta(max_length=LONGEST)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_OFFSET)]


class DeliveryOutcome(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How one delivery ended; on the wire an array, in this order. Fields may be added at its end, with a default.

    ``topic``, ``partition`` and ``offset`` are where the delivery lay, ``operation`` is the redrive or the replay that
    sent it, if one did.
    """

    kind: Kind
    source: Text
    event_id: Text
    flow_id: Text
    type: Text
    topic: Text
    partition: Count
    offset: Count
    attempt: Count
    operation: Text = ""


def outcome_of(kind: Kind, delivery: Delivery) -> DeliveryOutcome | None:
    """Return the outcome of a delivery; None where its envelope is too long to be repeated."""
    envelope, lies = delivery.envelope, delivery.coordinates
    if max(len(envelope.id), len(envelope.correlation_id), len(envelope.type), len(envelope.source)) > LONGEST:
        return None
    return DeliveryOutcome(
        kind=kind,
        source=envelope.source,
        event_id=envelope.id,
        flow_id=envelope.correlation_id,
        type=envelope.type,
        topic=lies.topic,
        partition=lies.partition,
        offset=lies.offset,
        attempt=delivery.attempt,
        operation=delivery.operation,
    )

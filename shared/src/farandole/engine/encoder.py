"""Encoder: turns what a handler returned into follow-ons as they are stored and published."""

from __future__ import annotations

from collections import Counter

from farandole.clock import Clock
from farandole.codec import Codec
from farandole.delivery import Delivery
from farandole.engine.declared import declared_emissions
from farandole.engine.size import demand_size
from farandole.envelope import Envelope, rfc3339
from farandole.event import Event
from farandole.follow_on import FollowOn, Outcome
from farandole.handler import Handler
from farandole.identity import follow_on_id, join_id, replayed_id
from farandole.store import StoredFollowOn


class Encoder:
    """Encodes follow-ons of one service: ids derived, envelope filled, size checked. Thread-safe."""

    def __init__(self, *, service: str, codec: Codec, clock: Clock) -> None:
        self._service = service
        self._codec = codec
        self._clock = clock

    def follow_ons(self, delivery: Delivery, handler: Handler, outcome: Outcome) -> tuple[StoredFollowOn, ...]:
        """Encode what a handler returned for a delivery; nothing is left of it in a replay without a cascade.

        Raises ContractError when it returned a type that it does not declare, OversizeError when one is too large.
        """
        declared = declared_emissions(handler.name, handler.signature, outcome)
        if delivery.replay is not None and not delivery.replay.cascade:
            return ()
        ordinals: Counter[str] = Counter()
        encoded = []
        for follow_on in declared:
            encoded.append(self._encode(delivery, follow_on, ordinals[follow_on.event.avro.fullname]))
            ordinals[follow_on.event.avro.fullname] += 1
        return tuple(encoded)

    def _encode(self, delivery: Delivery, follow_on: FollowOn[Event], ordinal: int) -> StoredFollowOn:
        event = follow_on.event
        event_type = event.avro.fullname
        if follow_on.join is not None:
            event_id = join_id(join=follow_on.join, service=self._service, event_type=event_type, ordinal=ordinal)
        else:
            event_id = follow_on_id(
                cause=delivery.event_id, service=self._service, event_type=event_type, ordinal=ordinal
            )
        if delivery.replay is not None:
            event_id = replayed_id(event_id, replay_id=delivery.replay.id)
        envelope = Envelope(
            id=event_id,
            type=event_type,
            source=self._service,
            subject=event.key,
            time=rfc3339(self._clock.now()),
            correlation_id=follow_on.flow or delivery.envelope.correlation_id,
            causation_id=delivery.event_id,
            causes=follow_on.causes,
            traceparent=delivery.envelope.traceparent,
        )
        return self.stored(event, envelope)

    def first(self, event: Event, *, event_id: str, flow: str | None, causes: tuple[str, ...]) -> StoredFollowOn:
        """Encode an event that no event caused; without a ``flow`` it begins one."""
        envelope = Envelope(
            id=event_id,
            type=event.avro.fullname,
            source=self._service,
            subject=event.key,
            time=rfc3339(self._clock.now()),
            correlation_id=flow or event_id,
            causation_id=causes[0] if causes else None,
            causes=causes[1:],
        )
        return self.stored(event, envelope)

    def stored(self, event: Event, envelope: Envelope) -> StoredFollowOn:
        """Encode an event under a given envelope. Raises OversizeError."""
        return demand_size(
            StoredFollowOn(
                event_id=envelope.id,
                type=envelope.type,
                topic=event.avro.topic,
                key=event.key.encode(),
                headers=envelope.headers(),
                value=self._codec.encode(event),
            )
        )

"""Reading: what the records of a mesh's topics are to each of its services, read by the services' own intake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from farandole.audit.gathering import answer_key
from farandole.audit.inquiry import Inquiry
from farandole.audit.trace import Trace, trace_of
from farandole.dead_letters import discarding
from farandole.delivery import Delivery, Record
from farandole.engine.intake import PREFIX_BYTES, Intake
from farandole.errors import ContractError
from farandole.private_topics import AllPrivate, PrivateTopics
from farandole.schema import SchemaSource


class Reader:
    """Reads records as the services do. Not thread-safe."""

    def __init__(self, inquiries: Sequence[Inquiry], *, schemas: SchemaSource, cluster: str) -> None:
        self._schemas = schemas
        self._cluster = cluster
        nobody = PrivateTopics(service="", tiers=0)
        self._anybody = Intake(service="", cluster=cluster, handlers={}, schemas=schemas, topics=nobody)
        self._own = {one.name: self._intake(one, one.topics) for one in inquiries}
        self._private = {one.name: self._intake(one, AllPrivate(service=one.name, tiers=0)) for one in inquiries}
        self._answering = frozenset(one.name for one in inquiries if one.emits_unremembered)
        self._by_type: dict[tuple[str, str], list[Inquiry]] = {}
        self._by_topic: dict[str, list[Inquiry]] = {}
        self._topics_of_type: dict[str, set[str]] = {}
        for one in inquiries:
            self._note(one)

    def _intake(self, inquiry: Inquiry, topics: PrivateTopics) -> Intake:
        return Intake(
            service=inquiry.name,
            cluster=self._cluster,
            handlers=inquiry.handlers,
            schemas=self._schemas,
            topics=topics,
        )

    def _note(self, inquiry: Inquiry) -> None:
        for name, handler in inquiry.handlers.items():
            topic = handler.event.avro.topic
            self._by_type.setdefault((topic, name), []).append(inquiry)
            self._topics_of_type.setdefault(name, set()).add(topic)
        for topic in {handler.event.avro.topic for handler in inquiry.handlers.values()}:
            self._by_topic.setdefault(topic, []).append(inquiry)

    def delivery(self, record: Record) -> Delivery:
        """Return the delivery that a record of a domain topic says it is."""
        return self._anybody.delivery(record)

    def hearing(self, delivery: Delivery) -> Sequence[tuple[Inquiry, Trace]]:
        """Return who is given a record of a domain topic, and as which event."""
        topic, name = delivery.coordinates.topic, delivery.envelope.type
        if not self._is_odd(delivery):
            trace = trace_of(delivery)
            return [(one, trace) for one in self._by_type.get((topic, name), ())]
        admitted = [(one, self._own[one.name].admit(delivery.record)) for one in self._by_topic.get(topic, ())]
        return [(one, trace_of(found.delivery)) for one, found in admitted if found is not None]

    def _is_odd(self, delivery: Delivery) -> bool:
        """Tell whether a record's topic, type and bytes disagree, so that each service has to be asked for its view."""
        name, value = delivery.envelope.type, delivery.record.value
        right = self._topics_of_type.get(name)
        if not name or (right is not None and delivery.coordinates.topic not in right):
            return True
        if value is None or len(value) < PREFIX_BYTES or value[0] != 0:
            return False
        try:
            return self._schemas.by_id(int.from_bytes(value[1:PREFIX_BYTES], "big")).fullname != name
        except ContractError:
            return False

    def answers(self, delivery: Delivery) -> Iterator[bytes]:
        """Yield under which keys it is to be noted that a service emitted this event, where that will be asked."""
        envelope = delivery.envelope
        if envelope.source in self._answering:
            for cause in filter(None, (envelope.causation_id, *envelope.causes)):
                yield answer_key(envelope.source, cause)

    def private(self, inquiry: Inquiry, record: Record) -> Trace:
        """Return what a record on a private topic says of its event."""
        admitted = self._private[inquiry.name].admit(record)
        assert admitted is not None, "what lies on a private topic is always somebody's"
        topic = record.coordinates.topic
        is_dead = topic == inquiry.topics.dead_letters
        discards = discarding(admitted.delivery) if is_dead else None
        return trace_of(
            admitted.delivery,
            heard=topic in inquiry.topics.heard,
            is_letter=is_dead and discards is None,
            discards=discards,
        )


def private_of(inquiry: Inquiry, existing: Iterable[str]) -> frozenset[str]:
    """Return the private topics of a service that there are, tiers that it does not hear any more among them."""
    tier = re.compile(re.escape(inquiry.name) + r"\.retry\.\d+")
    return frozenset(one for one in existing if one in inquiry.topics.all or tier.fullmatch(one))


def domain_of(inquiries: Iterable[Inquiry]) -> frozenset[str]:
    """Return the domain topics to read: what is heard, and what is emitted, as follow-ons are a proof."""
    found: set[str] = set()
    for one in inquiries:
        found |= one.heard.difference(one.topics.heard) | one.emitted_topics
    return frozenset(found)

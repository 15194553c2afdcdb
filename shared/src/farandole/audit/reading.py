"""Reading: what the records of a mesh's topics are to each of its services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from farandole.audit.inquiry import Cases, Inquiry, answer_key
from farandole.audit.trace import Trace, domain_trace, private_trace
from farandole.audit.trail import Seen, Trail
from farandole.delivery import Delivery, Record
from farandole.engine.intake import Intake
from farandole.private_topics import PrivateTopics
from farandole.schema import SchemaSource


class Hearing:
    """Who hears which records of the domain topics, by topic and type."""

    def __init__(self, inquiries: Iterable[Inquiry]) -> None:
        self._by_type: dict[tuple[str, str], list[Inquiry]] = {}
        self._by_topic: dict[str, list[Inquiry]] = {}
        for one in inquiries:
            for name, handler in one.handlers.items():
                self._by_type.setdefault((handler.event.avro.topic, name), []).append(one)
            for topic in {handler.event.avro.topic for handler in one.handlers.values()}:
                self._by_topic.setdefault(topic, []).append(one)

    @property
    def topics(self) -> frozenset[str]:
        """The domain topics that anybody hears."""
        return frozenset(self._by_topic)

    def of(self, topic: str, type_: str) -> Sequence[Inquiry]:
        """Return who hears a type on a topic. A record whose type cannot be told is everybody's, as a dead letter."""
        return self._by_type.get((topic, type_), ()) if type_ else self._by_topic.get(topic, ())


class Reader:
    """Reads records as the services do. Not thread-safe."""

    def __init__(self, inquiries: Sequence[Inquiry], *, schemas: SchemaSource, cluster: str) -> None:
        self._inquiries = inquiries
        self.hearing = Hearing(inquiries)
        nobody = PrivateTopics(service="", tiers=0)
        self._intake = Intake(service="", cluster=cluster, handlers={}, schemas=schemas, topics=nobody)
        self._answering = frozenset(one.name for one in inquiries if one.emits_unremembered)

    def delivery(self, record: Record) -> Delivery:
        """Return the delivery that a record is."""
        return self._intake.delivery(record)

    def answers(self, delivery: Delivery) -> Iterator[bytes]:
        """Yield under which keys it is to be noted that a service emitted this event, where that will be asked."""
        envelope = delivery.envelope
        if envelope.source in self._answering:
            for cause in filter(None, (envelope.causation_id, *envelope.causes)):
                yield answer_key(envelope.source, cause)

    def private(self, inquiry: Inquiry, record: Record) -> Trace:
        """Return what a record on a private topic says of its event."""
        topic = record.coordinates.topic
        return private_trace(
            self._intake.delivery(record),
            heard=topic in inquiry.topics.heard,
            is_letter=topic == inquiry.topics.dead_letters,
        )


def topics_of(inquiry: Inquiry, existing: Iterable[str]) -> frozenset[str]:
    """Return the private topics of a service that there are, tiers that it does not hear any more among them."""
    tier = re.compile(re.escape(inquiry.name) + r"\.retry\.\d+")
    return frozenset(one for one in existing if one in inquiry.topics.all or tier.fullmatch(one))


def domain_of(inquiries: Iterable[Inquiry]) -> frozenset[str]:
    """Return the domain topics to read: what is heard, and what is emitted by those whose follow-ons are a proof."""
    found: set[str] = set()
    for one in inquiries:
        found |= one.heard.difference(one.topics.heard)
        found |= one.emitted_topics if one.emits_unremembered else frozenset()
    return frozenset(found)


class Sorting:
    """A batch of domain records, sorted into new events of each service and repetitions of those counted already."""

    def __init__(self, reader: Reader, trail: Trail, records: Sequence[Record]) -> None:
        self.cases: dict[int, Cases] = {}
        self.reused: list[Trace] = []
        deliveries = [reader.delivery(record) for record in records]
        traces = [domain_trace(delivery) for delivery in deliveries]
        self._seen = trail.seen(list({trace.key for trace in traces}))
        for delivery, trace in zip(deliveries, traces, strict=True):
            self._sort(trace, delivery.digest, reader.hearing.of(trace.topic, trace.type))
        trail.see(self._seen)
        trail.answer(key for delivery in deliveries for key in reader.answers(delivery))

    def _sort(self, trace: Trace, digest: int, hearing: Sequence[Inquiry]) -> None:
        seen = self._seen.setdefault(trace.key, Seen(digest=digest, heard=0))
        if seen.digest != digest:
            self.reused.append(trace)
        for inquiry in hearing:
            bit = 1 << inquiry.number
            cases = self.cases.setdefault(inquiry.number, {})
            if trace.key in cases:
                cases[trace.key].append(trace)
            if seen.heard & bit:
                inquiry.repeat(trace)
            else:
                cases[trace.key] = [trace]
                seen.heard |= bit


def with_private(cases: Cases, private: Mapping[bytes, Sequence[Trace]]) -> Cases:
    """Return the events with what the private topics say of them."""
    return {key: [*traces, *private.get(key, ())] for key, traces in cases.items()}

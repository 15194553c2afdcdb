"""A flow is found in the topics by its own id, by the id of one of its events, or by a key.

The records are kept in memory, on a domain topic, a retry tier, a dead letter topic and the topic of outcomes. What
lies on other topics, or belongs to other flows, is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from farandole.delivery import Coordinates, Record
from farandole.engine.ports import Partition
from farandole.envelope import Envelope
from farandole.flow.happening import Kind
from farandole.flow.reading import HappeningReader
from farandole.flow.scanning import Scanning
from farandole.kafka.log_reader import LogReader, Span
from farandole.outcomes import DeliveryOutcome, OutcomeBatch, encode
from farandole.schema import Catalogue

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


class KeptLog(LogReader):
    """Records in memory."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._kept = list(records)

    def partitions(self) -> frozenset[Partition]:
        """Return the partitions that something lies on."""
        return frozenset(_partition(one) for one in self._kept)

    def starts(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Begin at the beginning."""
        return dict.fromkeys(partitions, 0)

    def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Return an end beyond everything."""
        return dict.fromkeys(partitions, 100)

    def records(self, spans: Mapping[Partition, Span]) -> Iterator[list[Record]]:
        """Yield what lies on these."""
        yield [one for one in self._kept if _partition(one) in spans]


def _partition(record: Record) -> Partition:
    return Partition(topic=record.coordinates.topic, number=0)


def lying(topic: str, offset: int, event_id: str, flow: str, *, key: str = "k1") -> Record:
    """Return the record of an event."""
    envelope = Envelope(id=event_id, type="hall.Seated", source="ushers", subject=key, time="t", correlation_id=flow)
    return Record(
        coordinates=Coordinates(topic=topic, partition=0, offset=offset),
        key=key.encode(),
        value=None,
        headers=envelope.headers(),
        appended=AT + timedelta(seconds=offset),
    )


def outcomes(*told: DeliveryOutcome) -> Record:
    """Return what a worker tells."""
    at = Coordinates(topic="_farandole.outcomes", partition=0, offset=0)
    value = encode(OutcomeBatch(service="coats", outcomes=list(told)))
    return Record(coordinates=at, key=None, value=value, headers=(), appended=AT)


def outcome(flow: str) -> DeliveryOutcome:
    """Return that of a delivery that was dropped."""
    return DeliveryOutcome(
        kind="dropped",
        source="ushers",
        event_id="e1",
        flow_id=flow,
        type="hall.Seated",
        topic="hall",
        partition=0,
        offset=0,
        attempt=0,
    )


def scanning() -> Scanning:
    """Look at a mesh in which two flows have one key."""
    records = [
        lying("hall", 0, "f1", "f1"),
        lying("hall", 1, "e1", "f1", key="k2"),
        lying("hall", 2, "f2", "f2"),
        lying("coats.retry.1", 0, "e1", "f1"),
        lying("coats.dlq", 0, "e1", "f1"),
        lying("elsewhere", 0, "e9", "f1", key="k9"),
        outcomes(outcome("f2"), outcome("f1")),
    ]
    return Scanning(
        KeptLog(records), HappeningReader(Catalogue([]), cluster="c", domain=frozenset({"hall"})), domain=["hall"]
    )


def test_a_flow_is_found_by_its_id_by_that_of_an_event_and_by_a_key() -> None:
    found = scanning()
    assert found.flows_named("f1") == ("f1",)
    assert found.flows_named("e1") == ("f1",)
    assert found.flows_named("k2") == ("f1",)
    assert found.flows_named("k1") == ("f1", "f2"), "that which began first comes first"
    assert found.flows_named("e9") == found.flows_named("k9") == (), "that topic is nobody's"


def test_everything_that_happened_in_a_flow_is_read_from_whatever_topic_tells_it() -> None:
    told = {(one.kind, one.event_id, one.service) for one in scanning().happenings("f1")}
    assert told == {
        (Kind.EMITTED, "f1", "ushers"),
        (Kind.EMITTED, "e1", "ushers"),
        (Kind.RETRY, "e1", "coats"),
        (Kind.DEAD, "e1", "coats"),
        (Kind.DROPPED, "e1", "coats"),
    }

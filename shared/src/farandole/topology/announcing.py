"""Announcing: a service tells what it declares when it starts; and whoever wants to see the mesh reads that."""

from __future__ import annotations

import threading
from typing import Final

import structlog
from confluent_kafka import KafkaException, Producer

from farandole.engine.runtime import schemas_of
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.sift import Span
from farandole.kafka.topics import SERVICES
from farandole.service import Service
from farandole.topology.announcement import LAYOUT, Announcement, announcement_bytes, latest
from farandole.topology.event_type import event_type_of
from farandole.topology.of_services import sheet_of

log = structlog.get_logger(__name__)

WITHIN: Final = 60.0
_ONCE: Final = {
    "acks": "all",
    "linger.ms": 0,
    "message.timeout.ms": round(WITHIN * 1000),
    # A topic that is not there is hoped for by the client for half a minute; the next start announces as well.
    "topic.metadata.propagation.max.ms": 1_000,
}
MOST_RECORDS: Final = 20_000
"""From the end of the topic: it is compacted, so more are somebody's mischief."""


def announcement_of(service: Service, *, version: str) -> Announcement:
    """Return what a service of this release announces."""
    return Announcement(
        layout=LAYOUT,
        service=sheet_of(service, version=version),
        events=tuple(map(event_type_of, schemas_of(service, ()))),
    )


def announce(service: Service, connection: Connection, *, version: str) -> threading.Thread:
    """Announce a service, in a thread of its own; return the thread, which ends within a minute and holds nobody up.

    Best effort: where it fails, the log says so, the service does not notice, and its next start announces it.
    """
    sending = threading.Thread(target=_send, args=(service, connection, version), name="announcing", daemon=True)
    sending.start()
    return sending


def announcements(reader: LogReader) -> tuple[Announcement, ...]:
    """Return the last word of each service of the mesh, by name. Blocks. Raises BrokerUnavailableError.

    There are none where the topic is missing. What the topic holds is not trusted, only read.
    """
    at = {one for one in reader.partitions() if one.topic == SERVICES}
    starts, ends = reader.starts(at), reader.ends(at)
    spans = {one: Span(start=max(starts[one], ends[one] - MOST_RECORDS), end=ends[one]) for one in at}
    return latest((record.key, record.value) for batch in reader.records(spans) for record in batch)


def _send(service: Service, connection: Connection, version: str) -> None:
    failures: list[str] = []
    try:
        value = announcement_bytes(announcement_of(service, version=version))
        producer = Producer(connection.properties() | _ONCE)
        producer.produce(
            SERVICES,
            key=service.name.encode(),
            value=value,
            on_delivery=lambda error, _: failures.append(error.str()) if error is not None else None,
        )
        if producer.flush(WITHIN):
            failures.append("the brokers did not answer")
    except (KafkaException, BufferError, ValueError, TypeError) as error:
        failures.append(str(error))
    if failures:
        log.warning("the service could not be announced; it runs all the same", topic=SERVICES, reason=failures[0])

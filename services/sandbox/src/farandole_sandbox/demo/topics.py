"""Topics: every record of every topic, read from the beginning to the end by a plain consumer of no group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from farandole import catalogues, headers
from farandole.codec import Codec
from farandole.errors import BrokerUnavailableError, ContractError
from farandole.kafka.reading import headers_of
from farandole.schema import Catalogue

from farandole_sandbox.demo.record import Record

_BATCH: Final = 2000
_WITHIN: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """The records of the domain topics, of all retry tiers, and of the dead letters with their services."""

    domain: tuple[Record, ...]
    retries: tuple[Record, ...]
    dead: tuple[tuple[str, Record], ...]


def read_topics(bootstrap: str) -> Topics:
    """Read everything. Blocks; raises BrokerUnavailableError when the broker does not answer."""
    schemas = Catalogue(schema for catalogue in catalogues.discover() for schema in catalogue.versions)
    codec = Codec(schemas)
    domain, retries, dead = list[Record](), list[Record](), list[tuple[str, Record]]()
    for message in _messages(bootstrap, frozenset(schemas.topics)):
        topic, record = message.topic() or "", read_record(message, codec)
        if topic.endswith(".dlq"):
            dead.append((topic.removesuffix(".dlq"), record))
        elif ".retry." in topic:
            retries.append(record)
        elif topic in schemas.topics:
            domain.append(record)
    return Topics(domain=tuple(domain), retries=tuple(retries), dead=tuple(dead))


def _messages(bootstrap: str, domain: frozenset[str]) -> Iterator[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "farandole-demo-audit",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 2,
        }
    )
    try:
        metadata = consumer.list_topics(timeout=_WITHIN)
        wanted = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name, topic in metadata.topics.items()
            if name in domain or name.endswith(".dlq") or ".retry." in name
            for number in topic.partitions
        ]
        consumer.assign(wanted)
        yield from _until_the_end(consumer, len(wanted))
    finally:
        consumer.close()


def _until_the_end(consumer: Consumer, partitions: int) -> Iterator[Message]:
    ended = 0
    while ended < partitions:
        for message in _batch(consumer):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - that is its public name
                ended += 1


def _batch(consumer: Consumer) -> Iterable[Message]:
    first = consumer.poll(_WITHIN)
    if first is None:
        raise BrokerUnavailableError("the topics cannot be read", why="the broker says nothing", do="farandole doctor")
    return [first, *consumer.consume(_BATCH, 0)]


def read_record(message: Message, codec: Codec) -> Record:
    """Decode a record; what cannot be read has no fields."""
    named = {name: value.decode("utf-8", "replace") for name, value in headers_of(message)}
    fullname, fields = _decoded(message.value(), codec)
    causes = (named.get(headers.CAUSATION_ID, ""), *named.get(headers.CAUSES, "").split(","))
    return Record(
        id=named.get(headers.ID, f"{message.topic()}|{message.partition()}|{message.offset()}"),
        type=fullname.rpartition(".")[2],
        fullname=fullname,
        topic=message.topic() or "",
        source=named.get(headers.SOURCE, ""),
        time=named.get(headers.TIME, ""),
        flow=named.get(headers.CORRELATION_ID, ""),
        causes=tuple(filter(None, causes)),
        appended=message.timestamp()[1] / 1000,
        fields=fields,
    )


def _decoded(value: bytes | None, codec: Codec) -> tuple[str, dict[str, Any]]:
    try:
        schema, fields = codec.decode_any(value or b"")
    except ContractError:
        return "?.Unreadable", {}
    return schema.fullname, fields

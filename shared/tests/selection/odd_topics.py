"""Odd topics: two topics with every kind of record that a topic may hold, and all of them read by a plain consumer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from farandole.delivery import Record
from farandole.kafka.reading import record_of
from farandole.schema import Catalogue, EventSchema

PARTITIONS = 3
RECORDS = 240
MOMENT = 1_767_225_600_000
"""2026-01-01T00:00:00Z, in milliseconds: about then everything happens."""
TIME = {"type": "long", "logicalType": "timestamp-millis"}
LINE = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "count", "type": "int"}],
}
HOME = {"type": "record", "name": "Home", "fields": [{"name": "city", "type": "string"}]}
THING = [
    {"name": "thing", "type": "string"},
    {"name": "cents", "type": "long"},
    {"name": "at", "type": TIME},
    {"name": "lines", "type": {"type": "array", "items": LINE}},
    {"name": "home", "type": ["null", HOME], "default": None},
]
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
OTHER = [{"name": "other", "type": "string"}, {"name": "cents", "type": "long"}]


def schema(schema_id: int, topic: str, name: str, version: int, fields: list[dict[str, Any]]) -> EventSchema:
    avsc = {"type": "record", "name": name, "namespace": "odd", "key": fields[0]["name"], "fields": fields}
    return EventSchema(
        id=schema_id, name=name, fullname=f"odd.{name}", topic=topic, key=fields[0]["name"], version=version, avsc=avsc
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OddTopics:
    """``stamped`` carries the broker's time, ``written`` whatever its writer said, which goes to and fro."""

    stamped: str
    written: str
    catalogue: Catalogue
    records: tuple[Record, ...]

    @property
    def topics(self) -> tuple[str, str]:
        return self.stamped, self.written


def fill(bootstrap: str, name: str) -> OddTopics:
    """Make the topics, the same each time but for the broker's time."""
    stamped, written = f"{name}-stamped", f"{name}-written"
    schemas = (
        schema(11, stamped, "Thing", 1, THING),
        schema(12, stamped, "Thing", 2, [*THING, NOTE]),
        schema(13, written, "Other", 1, OTHER),
    )
    admin = AdminClient({"bootstrap.servers": bootstrap})
    kinds = {stamped: "LogAppendTime", written: "CreateTime"}
    made = admin.create_topics(
        [NewTopic(one, PARTITIONS, 1, config={"message.timestamp.type": kind}) for one, kind in kinds.items()]
    )
    for one in made.values():
        one.result(15)
    chance = random.Random(47)  # the same records each time
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(RECORDS):
        topic = chance.choice((stamped, written))
        producer.produce(
            topic,
            partition=chance.randrange(PARTITIONS),
            key=chance.choice((None, b"", b"k1", b"k2", b"k3", "\N{LATIN SMALL LETTER U WITH DIAERESIS}", b"\xff\xfe")),
            value=value(chance, schemas),
            headers=headers(chance, number),
            timestamp=MOMENT + chance.randrange(40),
        )
        if number % 16 == 0:
            producer.flush()
    producer.flush()
    return OddTopics(
        stamped=stamped, written=written, catalogue=Catalogue(schemas), records=plain(bootstrap, (stamped, written))
    )


def value(chance: random.Random, schemas: tuple[EventSchema, ...]) -> bytes | None:
    kind = chance.randrange(12)
    if kind == 0:
        return None
    if kind == 1:
        return chance.choice((b"", b"\x00", b"\x00\x00\x00\x00\x0c", b"{}", b"\x01\x00\x00\x00\x0bxx", bytes(300)))
    if kind == 2:
        return b"\x00\x00\x00\x03\xe7" + b"a schema that nobody knows"
    written = chance.choice(schemas)
    out = BytesIO()
    fastavro.schemaless_writer(
        out, fastavro.parse_schema(dict(written.avsc), named_schemas={}), fields(chance, written)
    )
    encoded = b"\x00" + written.id.to_bytes(4, "big") + out.getvalue()
    return encoded + b"\x07" if kind == 3 else encoded[:-1] if kind == 4 else encoded


def fields(chance: random.Random, written: EventSchema) -> Mapping[str, Any]:
    cents = chance.choice((-11, 0, 1, 499, 500, 501, 1000, 2**62))
    if written.name == "Other":
        return {"other": chance.choice(("", "o1")), "cents": cents}
    thing: dict[str, Any] = {
        "thing": chance.choice(("t1", "t22", "u3")),
        "cents": cents,
        "at": MOMENT + chance.choice((-1, 0, 1, 3_600_000)),
        "lines": [
            {"sku": chance.choice("ab"), "count": chance.randrange(10)} for _ in range(chance.choice((0, 0, 1, 3)))
        ],
        "home": chance.choice((None, {"city": "Köln"}, {"city": "Ulm"})),
    }
    return thing if written.version == 1 else thing | {"note": chance.choice((None, "", "blue"))}


def headers(chance: random.Random, number: int) -> list[tuple[str, str | bytes | None]]:
    """Return the headers of a record: mostly an envelope, else what else a topic may hold."""
    type_ = chance.choice((b"odd.Thing", b"odd.Other"))
    id_, flow = f"id-{number % 40}".encode(), f"flow-{number % 7}".encode()
    whole: list[tuple[str, str | bytes | None]] = [("ce_id", id_), ("ce_type", type_), ("ce_correlationid", flow)]
    return chance.choice(
        (
            whole,
            whole,
            whole,
            [],
            whole[:1],
            whole[:2],
            whole[1:],
            [*whole, ("ce_type", b"")],  # an empty one does not count
            [("ce_type", b"odd.Other"), *whole, ("ce_id", b"id-1")],  # the last counts
            [*whole[:2], ("ce_correlationid", None)],
            [("ce_id", b"id-\x00"), *whole[1:]],
            [("ce_id", b"i" * 300), *whole[1:]],
            [("ce_id", id_), ("ce_type", b"odd.\xff"), ("ce_correlationid", flow)],
            [*whole, ("x", b"y" * 500), ("traceparent", b"00-1-1-00")],
        )
    )


def plain(bootstrap: str, topics: tuple[str, ...]) -> tuple[Record, ...]:
    """Read everything with a consumer of the test's own."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, number, 0) for topic in topics for number in range(PARTITIONS)])
    found: list[Record] = []
    left = len(topics) * PARTITIONS
    while left:
        message = consumer.poll(10)
        assert message is not None, "the topics are read in time"
        error = message.error()
        if error is None:
            found.append(record_of(message, assignment=0))
        else:
            assert error.code() == KafkaError._PARTITION_EOF
            left -= 1
    consumer.close()
    return tuple(sorted(found, key=lambda one: one.coordinates))

"""Two services for the scenarios of a replay: one that is replayed to, and one that listens to what it says.

``replayed`` keeps one row for every run of its two handlers: one only writes state, the other one charges a card, in a
file that stands for the gateway's own books. ``downstream`` keeps one row for every event that it handles.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import ClassVar

from farandole import Delivery, Service, UnitOfWork, run
from farandole.event import Event
from farandole.schema import EventSchema
from sqlalchemy import Column, Integer, MetaData, String, Table

REPLAYED = "replay-scenario"
DOWNSTREAM = "replay-downstream"


def _schema(number: int, name: str, topic: str) -> EventSchema:
    fields = [{"name": "thing", "type": "string"}, {"name": "number", "type": "int"}]
    record = {"type": "record", "name": name, "namespace": "farandole.replayed", "key": "thing", "fields": fields}
    fullname = f"farandole.replayed.{name}"
    return EventSchema(id=number, name=name, fullname=fullname, topic=topic, key="thing", version=1, avsc=record)


class Counted(Event, frozen=True, kw_only=True):
    """One more of a thing."""

    avro: ClassVar[EventSchema] = _schema(920_001, "Counted", "replay-counted")
    thing: str
    number: int


class Bought(Event, frozen=True, kw_only=True):
    """A thing was bought, and is to be paid."""

    avro: ClassVar[EventSchema] = _schema(920_002, "Bought", "replay-counted")
    thing: str
    number: int


class Noted(Event, frozen=True, kw_only=True):
    """One more of a thing was noted."""

    avro: ClassVar[EventSchema] = _schema(920_003, "Noted", "replay-noted")
    thing: str
    number: int


class Unheard(Event, frozen=True, kw_only=True):
    """Something that no service here hears."""

    avro: ClassVar[EventSchema] = _schema(920_004, "Unheard", "replay-counted")
    thing: str
    number: int


METADATA = MetaData()
RUNS = Table(
    "runs",
    METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String),
    Column("handler", String),
)

replayed = Service(REPLAYED, tables=METADATA)
downstream = Service(DOWNSTREAM, tables=METADATA)


@replayed.on(Counted, on_replay="run")
async def note(event: Counted, work: UnitOfWork, delivery: Delivery) -> Noted:
    """Keep a row."""
    await work.execute(RUNS.insert().values(event_id=delivery.event_id, handler="note"))
    return Noted(thing=event.thing, number=event.number)


@replayed.on(Bought, depends_on="gateway")
async def charge(event: Bought, work: UnitOfWork, delivery: Delivery) -> Noted:
    """Charge a card, in the gateway's books."""
    with Path(os.environ["GATEWAY_BOOKS"]).open("a") as books:  # noqa: ASYNC230 - one short line
        books.write(f"{delivery.event_id}\n")
    await work.execute(RUNS.insert().values(event_id=delivery.event_id, handler="charge"))
    return Noted(thing=event.thing, number=event.number)


@downstream.on(Noted)
async def listen(_: Noted, work: UnitOfWork, delivery: Delivery) -> None:
    """Keep a row."""
    await work.execute(RUNS.insert().values(event_id=delivery.event_id, handler="listen"))


if __name__ == "__main__":
    run({REPLAYED: replayed, DOWNSTREAM: downstream}[sys.argv[1]])

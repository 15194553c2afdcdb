"""A service with ``order="key"`` for processes that get killed: it fails often, and writes down what it has handled.

``ORDERED_STORE`` says whether it has a database; every fourth event fails at first, and one in twenty twice.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from datetime import timedelta
from typing import ClassVar

from farandole import Backoff, Service, UnitOfWork, run
from farandole.event import Event
from farandole.schema import EventSchema
from sqlalchemy import Column, Integer, MetaData, String, Table

NAME = "ordered-scenario"
RETRY = Backoff(first=timedelta(milliseconds=300), factor=1, attempts=10_000)


def _schema(number: int, name: str, topic: str) -> EventSchema:
    fields = [{"name": "thing", "type": "string"}, {"name": "number", "type": "int"}]
    record = {"type": "record", "name": name, "namespace": "farandole.ordered", "key": "thing", "fields": fields}
    fullname = f"farandole.ordered.{name}"
    return EventSchema(id=number, name=name, fullname=fullname, topic=topic, key="thing", version=1, avsc=record)


class Counted(Event, frozen=True, kw_only=True):
    """One more of a thing."""

    avro: ClassVar[EventSchema] = _schema(910_001, "Counted", "ordered-counted")
    thing: str
    number: int


class Noted(Event, frozen=True, kw_only=True):
    """One more of a thing was noted."""

    avro: ClassVar[EventSchema] = _schema(910_002, "Noted", "ordered-noted")
    thing: str
    number: int


METADATA = MetaData()
EFFECTS = Table(
    "effects",
    METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("thing", String),
    Column("number", Integer),
)
_runs: Counter[tuple[str, int]] = Counter()


def _may_fail(event: Counted) -> None:
    """Fail by what the event is: the same in every process, and in each the same number of times."""
    _runs[event.thing, event.number] += 1
    drawn = zlib.crc32(f"{event.thing}:{event.number}".encode()) % 20
    if _runs[event.thing, event.number] <= (2 if drawn == 0 else 1 if drawn < 5 else 0):
        raise ValueError("not yet")


def plain() -> Service:
    """Return the service without a database."""
    service = Service(NAME)

    @service.on(Counted, order="key", retry=RETRY)
    async def note(event: Counted) -> Noted:
        _may_fail(event)
        return Noted(thing=event.thing, number=event.number)

    return service


def stored() -> Service:
    """Return the service with one."""
    service = Service(NAME, tables=METADATA)

    @service.on(Counted, order="key", retry=RETRY)
    async def note(event: Counted, work: UnitOfWork) -> Noted:
        await work.execute(EFFECTS.insert().values(thing=event.thing, number=event.number))
        _may_fail(event)
        return Noted(thing=event.thing, number=event.number)

    return service


if __name__ == "__main__":
    run(stored() if os.environ["ORDERED_STORE"] == "yes" else plain())

"""Shop: a service of a test's own whose deliveries fail as long as it is told so, with and without a database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from farandole import Backoff, Reject, Service, UnitOfWork
from farandole.event import Event
from farandole.schema import EventSchema
from sqlalchemy import Column, Integer, MetaData, String, Table

FIELDS: list[dict[str, Any]] = [
    {"name": "thing", "type": "string"},
    {"name": "email", "type": "string", "pii": True},
    {"name": "total", "type": "long", "default": 0},
]


class Placed(Event, frozen=True, kw_only=True):
    """An order for a thing."""

    avro: ClassVar[EventSchema]
    thing: str
    email: str = "anna@example.com"
    total: int = 0


class Shop:
    """The service ``tag``. It refuses what is in ``broken`` (everything, at first), and keeps count of its effects."""

    def __init__(self, tag: str, *, stored: bool) -> None:
        self.tag = tag
        self.mended = False
        self.broken: set[str] = set()
        self.handled: list[str] = []
        self.retry = Backoff(first=timedelta(milliseconds=1), factor=1, attempts=1)
        self.placed = self._event(tag)
        self.effects = Table(
            "effects",
            MetaData(),
            Column("n", Integer, primary_key=True),
            Column("thing", String),
            Column("total", Integer),
        )
        self.service = self._stored() if stored else self._plain()

    @staticmethod
    def _event(tag: str) -> type[Placed]:
        avsc = {"type": "record", "name": "Placed", "namespace": f"made.{tag}", "key": "thing", "fields": FIELDS}
        avro = EventSchema(
            id=940_001,
            name="Placed",
            fullname=f"made.{tag}.Placed",
            topic=f"{tag}-placed",
            key="thing",
            version=1,
            avsc=avsc,
        )
        return type("Placed", (Placed,), {"avro": avro, "__annotations__": {}}, frozen=True, kw_only=True)  # type: ignore[call-overload,no-any-return]

    def _check(self, event: Placed) -> None:
        if event.thing in self.broken or not (self.mended or event.total):
            raise Reject(f"nobody here delivers to {event.email}")
        self.handled.append(event.thing)

    def _plain(self) -> Service:
        async def deliver(event: Placed) -> None:
            self._check(event)

        deliver.__annotations__ = {"event": self.placed, "return": None}
        service = Service(self.tag)
        service.on(self.placed, retry=self.retry, depends_on=f"carrier-{self.tag}")(deliver)
        return service

    def _stored(self) -> Service:
        async def deliver(event: Placed, work: UnitOfWork) -> None:
            self._check(event)
            await work.execute(self.effects.insert().values(thing=event.thing, total=event.total))

        deliver.__annotations__ = {"event": self.placed, "work": UnitOfWork, "return": None}
        service = Service(self.tag, tables=self.effects.metadata)
        service.on(self.placed, retry=self.retry, depends_on=f"carrier-{self.tag}")(deliver)
        return service

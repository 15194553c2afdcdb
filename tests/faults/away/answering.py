"""Answering: a service that answers questions, counts what it does, and fails or waits as a test tells it to."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta

from farandole import Backoff, Delivery, Outbox, Service, Store, UnitOfWork
from farandole.http.refusal import REFUSALS
from sqlalchemy import Column, MetaData, String, Table, select
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from things import Things

QUICK = Backoff(first=timedelta(milliseconds=40), factor=2, attempts=4)


class Answering:
    """The service and what it did. With ``stored`` it has a database: one effect a thing, and an inbox."""

    def __init__(self, mine: Things, *, stored: bool) -> None:
        self.runs: Counter[str] = Counter()
        self.partitions: defaultdict[int, list[str]] = defaultdict(list)
        self.failures: Counter[str] = Counter()
        self.held: dict[str, asyncio.Event] = {}
        self.topic = mine.answered.avro.topic
        self.mine = mine
        metadata = MetaData()
        self.effects = Table("effects", metadata, Column("thing", String, primary_key=True))
        self.service = Service(mine.tag, tables=metadata if stored else None)

        async def plain(question, delivery):
            return await self._answer(question, delivery)

        async def with_effect(question, delivery, work):
            answer = await self._answer(question, delivery)
            # Last: from its first statement on it would hold up every other writer, where the store is SQLite.
            await work.execute(self.effects.insert().values(thing=question.thing))
            return answer

        plain.__annotations__ = {"question": mine.asked, "delivery": Delivery, "return": mine.answered}
        with_effect.__annotations__ = {**plain.__annotations__, "work": UnitOfWork}
        self.service.on(mine.asked, retry=QUICK)(with_effect if stored else plain)
        if stored:
            self.service.http(self._http)
            self.service.emits(mine.noted)

    def _http(self, store: Store, outbox: Outbox) -> Starlette:
        """Take notes by POST, into the outbox; answer 202 once a note is durable."""

        async def take(request):
            noted = self.mine.noted(thing=request.path_params["thing"])
            async with store.transaction() as work:
                await outbox.add(work, noted, event_id=noted.thing)
            return JSONResponse({"taken": noted.thing}, 202)

        return Starlette(routes=[Route("/notes/{thing}", take, methods=["POST"])], exception_handlers=REFUSALS)

    async def _answer(self, question, delivery):
        self.runs[question.thing] += 1
        if delivery.coordinates.topic == self.mine.asked.avro.topic:
            self.partitions[delivery.coordinates.partition].append(question.thing)
        if question.thing in self.held:
            await self.held[question.thing].wait()
        if self.runs[question.thing] <= self.failures[question.thing]:
            raise ValueError("not yet")
        return self.mine.answered(thing=question.thing, text=question.text)

    def answered(self, seen) -> Counter[str]:
        """Count the records of each id among those that were seen; one id a thing."""
        return Counter(one.headers["ce_id"] for one in seen)

    async def count_effects(self, world) -> int:
        """Count the effects in the database."""
        store = world.runtime._ports.store
        async with store.reading() as work:
            return len((await work.execute(select(self.effects))).all())

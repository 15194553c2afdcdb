"""Hosting: a generation of the figures: a Faust application with its own group, table and log, and what it counted."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from farandole import Clock, Codec, SystemClock
from farandole.delivery import Record
from farandole.engine.intake import Intake
from farandole.engine.tracker import Tracker
from farandole.generations.distance import Logs, behind
from farandole.kafka.connection import Connection
from farandole.kafka.topics import cluster_id
from farandole.metrics import Metrics
from farandole.private_topics import PrivateTopics
from farandole.read_model import Opening, Position
from farandole.runner import connection_of
from farandole.schema import Catalogue
from farandole.wire_schemas import catalogue_of
from starlette.types import ASGIApp

from farandole_analytics import topics
from farandole_analytics.minutes import Minutes
from farandole_analytics.pages import create_pages
from farandole_analytics.reading import Reading, passed_over
from farandole_analytics.service import service
from farandole_analytics.settings import AnalyticsSettings
from farandole_analytics.tally import Tally

if TYPE_CHECKING:
    import faust

LOOK_AGAIN: Final = timedelta(milliseconds=100)
STOPS_WITHIN: Final = timedelta(seconds=5)


class Follower:
    """A generation that counts. See Hosted. Its figures are in memory, and whole once all its orders were read."""

    def __init__(self, app: faust.App, *, reading: Reading, minutes: Minutes, logs: Logs, clock: Clock) -> None:
        self.minutes = minutes
        self.reading = reading
        self.is_built = False
        self._faust = app
        self._pages = create_pages(minutes)
        self._logs = logs
        self._clock = clock
        self._recovered = asyncio.Event()
        self._trackers: defaultdict[tuple[str, int], Tracker] = defaultdict(Tracker)
        self._running: asyncio.Task[None] | None = None

    @property
    def app(self) -> ASGIApp:
        """See Hosted."""
        return self._pages

    def recovered(self) -> None:
        """Note that the table was read; what comes now begins behind what is committed."""
        self.reading.position.clear()
        self._trackers.clear()
        self._recovered.set()

    async def start(self) -> None:
        """Begin to count."""
        await self._faust.start()
        self._running = asyncio.create_task(self._run(), name="faust")

    async def whole(self) -> None:
        """See Hosted. The table is recovered, and what lay in the topic then was counted."""
        waiting, ended = asyncio.ensure_future(self._recovered.wait()), asyncio.ensure_future(self.ended())
        try:
            await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
        finally:
            waiting.cancel()
            ended.cancel()
        goal = await self._logs.ends()
        while behind(await self.position(), goal):
            await self._clock.sleep(LOOK_AGAIN)

    async def position(self) -> Position:
        """See Hosted. One that answers does so from memory: that what it counted is durable is not waited for."""
        found = dict(await self._logs.committed(self._faust.conf.id))
        for place, offset in self.reading.position.items():
            waiting = self._trackers[place].uncommitted if self.is_built else 0
            found[place] = max(offset - waiting, found.get(place, 0))
        return found

    def take(self, record: Record) -> bool:
        """Count a record, and return whether the table changed."""
        lies = record.coordinates
        self._trackers[lies.topic, lies.partition].begin(lies.offset)
        return self.reading.take(record)

    def durable(self, record: Record) -> None:
        """Note that what a record changed is durable."""
        lies = record.coordinates
        self._trackers[lies.topic, lies.partition].finish(lies.offset)

    async def rest(self) -> None:
        """See Hosted. The figures stay."""
        if self._running is None or self._running.cancelled():
            return
        self._running.cancel()
        await asyncio.wait({self._running})
        await asyncio.wait_for(self._faust.stop(), STOPS_WITHIN.total_seconds())

    async def close(self) -> None:
        """See Hosted."""
        await self.rest()

    async def ended(self) -> None:
        """See Hosted."""
        assert self._running is not None
        await asyncio.wait({self._running})
        self._running.result()

    async def _run(self) -> None:
        await self._faust.wait()
        raise RuntimeError("Faust ended by itself") from self._faust.crash_reason


class Hosting:
    """Opens generations, in one process."""

    def __init__(
        self, own: AnalyticsSettings, *, connection: Connection, schemas: Catalogue, metrics: Metrics, clock: Clock
    ) -> None:
        self._own = own
        self._connection = connection
        self._schemas = schemas
        self._metrics = metrics
        self._clock = clock
        self._passed_over = passed_over(metrics)
        self.codec = Codec(schemas)
        self.logs = Logs(connection, (topics.ORDERS,))

    async def open(self, opening: Opening) -> Follower:
        """Open a generation, which then counts. Raises BrokerUnavailableError while the topics are not there."""
        name, settings = opening.generation.named(service.name), opening.settings
        partitions = await topics.prepare(self._connection, name)
        cluster = settings.cluster or await cluster_id(self._connection)
        # Faust takes a moment to import; health answers meanwhile.
        from farandole_analytics import stream  # noqa: PLC0415

        app = stream.create_app(settings, self._own, name=name)
        table = stream.create_table(app, partitions=partitions)
        minutes = Minutes()
        tally = Tally(table, minutes=minutes, keep=self._own.keep, clock=self._clock)
        intake = Intake(
            service=service.name,
            cluster=cluster,
            handlers={},
            schemas=self._schemas,
            topics=PrivateTopics(service=service.name, tiers=0),
        )
        reading = Reading(tally, intake=intake, codec=self.codec, metrics=self._metrics, passed_over=self._passed_over)
        follower = Follower(app, reading=reading, minutes=minutes, logs=self.logs, clock=self._clock)
        follower.is_built = opening.built

        def recovered() -> None:
            tally.recovered()
            follower.recovered()

        stream.follow(app, table, take=follower.take, durable=follower.durable, recovered=recovered)
        await follower.start()
        return follower


async def open_generation(opening: Opening) -> Follower:
    """Open a generation for a command."""
    clock = SystemClock()
    connection = connection_of(opening.settings, client=service.name)
    hosting = Hosting(
        AnalyticsSettings(),
        connection=connection,
        schemas=catalogue_of(service, opening.settings),
        metrics=Metrics(service.name),
        clock=clock,
    )
    return await hosting.open(opening)


async def remove_generation(opening: Opening) -> None:
    """Delete the log of a generation's table. Harmless where it is gone. Raises BrokerUnavailableError."""
    connection = connection_of(opening.settings, client=service.name)
    await topics.remove(connection, opening.generation.named(service.name))

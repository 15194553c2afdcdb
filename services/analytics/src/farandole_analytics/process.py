"""Process: analytics as a process: HTTP at once, Faust as soon as the brokers and the topics are there."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from farandole import Codec, SystemClock, log
from farandole.engine.encoder import Encoder
from farandole.engine.intake import Intake
from farandole.errors import BrokerUnavailableError
from farandole.http.app import create_app as http_app
from farandole.http.server import server
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import cluster_id
from farandole.metrics import Metrics
from farandole.private_topics import PrivateTopics
from farandole.runner import connection_of
from farandole.settings import Settings
from farandole.wire_schemas import catalogue_of

from farandole_analytics.minutes import Minutes
from farandole_analytics.pages import create_pages
from farandole_analytics.reading import Reading
from farandole_analytics.service import service
from farandole_analytics.settings import AnalyticsSettings
from farandole_analytics.tally import Tally
from farandole_analytics.telling import Telling
from farandole_analytics.topics import prepare

logger = structlog.get_logger(__name__)

AGAIN: Final = timedelta(milliseconds=500)
STOPS_WITHIN: Final = timedelta(seconds=5)


def run() -> None:
    """Run until SIGTERM or SIGINT. Raises where Faust ends by itself: the supervisor starts the process again."""
    settings = Settings()
    log.configure(settings.log_level, service=service.name)
    asyncio.run(Process(settings, AnalyticsSettings()).run())


class Process:
    """The parts of the process, and their life."""

    def __init__(self, settings: Settings, own: AnalyticsSettings) -> None:
        self._settings = settings
        self._own = own
        self._clock = SystemClock()
        self._schemas = catalogue_of(service, settings)
        self._codec = Codec(self._schemas)
        self._metrics = Metrics(service.name)
        self._minutes = Minutes()
        self._reading: Reading | None = None
        self._telling: Telling | None = None
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve HTTP and count, until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        app = http_app(status=self.status, registry=self._metrics.registry, own=create_pages(self._minutes))
        http = server(app, host=self._settings.http_host, port=self._settings.http_port)
        serving = asyncio.create_task(http.serve())
        try:
            await self._until_stopped(self._count())
        finally:
            http.stop()
            await serving

    def status(self) -> Mapping[str, Any]:
        """Return what ``/status`` tells."""
        totals, reading, telling = self._metrics.totals(), self._reading, self._telling
        return {
            "service": service.name,
            "totals": {
                "handled": totals.handled,
                "dropped": totals.dropped,
                "skipped": totals.skipped,
                "retried": 0,
                "dead": 0,
                "conflicting": 0,
                "late": reading.late if reading else 0,
                "unreadable": reading.unreadable if reading else 0,
                "told": telling.events if telling else 0,
            },
            "in_flight": 0,
            "held": 0,
            "ledger": "not needed",
            "outbox_idle": True,
            "counting": reading is not None,
            "minutes": len(self._minutes),
        }

    async def _count(self) -> None:
        connection = connection_of(self._settings, client=service.name)
        partitions, cluster = await self._prepared(connection)
        # Faust takes a moment to import; health answers meanwhile.
        from farandole_analytics import stream  # noqa: PLC0415

        app = stream.create_app(self._settings, self._own)
        table = stream.create_table(app, partitions=partitions)
        tally = Tally(table, minutes=self._minutes, keep=self._own.keep, clock=self._clock)
        self._reading = self._read_into(tally, cluster)
        stream.follow(app, table, take=self._reading.take, recovered=tally.recovered)
        publisher = KafkaPublisher(connection)
        telling = asyncio.create_task(self._tell(publisher))
        try:
            await app.start()
            await app.wait()
            raise RuntimeError("Faust ended by itself") from app.crash_reason
        finally:
            telling.cancel()
            await asyncio.wait_for(app.stop(), STOPS_WITHIN.total_seconds())
            await publisher.close()

    def _read_into(self, tally: Tally, cluster: str) -> Reading:
        intake = Intake(
            service=service.name,
            cluster=cluster,
            handlers={},
            schemas=self._schemas,
            topics=PrivateTopics(service=service.name, tiers=0),
        )
        return Reading(tally, intake=intake, codec=self._codec, metrics=self._metrics)

    async def _tell(self, publisher: KafkaPublisher) -> None:
        encoder = Encoder(service=service.name, codec=self._codec, clock=self._clock)
        self._telling = Telling(
            self._minutes, encoder=encoder, publisher=publisher, clock=self._clock, settings=self._own
        )
        await self._telling.run()

    async def _prepared(self, connection: Connection) -> tuple[int, str]:
        while True:
            try:
                partitions = await prepare(connection)
                return partitions, self._settings.cluster or await cluster_id(connection)
            except BrokerUnavailableError as error:
                logger.warning("waiting for the brokers", reason=error.what)
                await self._clock.sleep(AGAIN)

    async def _until_stopped(self, work: Any) -> None:
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():
            working.result()

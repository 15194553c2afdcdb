"""Process: analytics as a process: HTTP at once, its current generation as soon as it has read what there is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

from farandole import SystemClock, log
from farandole.engine.encoder import Encoder
from farandole.generations.following import Following
from farandole.generations.log import GenerationLog
from farandole.generations.replica import Replica
from farandole.generations.switchboard import Switchboard
from farandole.http.app import create_app as http_app
from farandole.http.server import server
from farandole.kafka.publisher import KafkaPublisher
from farandole.metrics import Metrics
from farandole.read_model import Generation, Hosted, Opening
from farandole.runner import connection_of
from farandole.settings import Settings
from farandole.topology.announcing import announce
from farandole.wire_schemas import catalogue_of

from farandole_analytics.hosting import Follower, Hosting
from farandole_analytics.service import service
from farandole_analytics.settings import AnalyticsSettings
from farandole_analytics.telling import Telling


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
        self._connection = connection_of(settings, client=service.name)
        self._metrics = Metrics(service.name)
        self._hosting = Hosting(
            own,
            connection=self._connection,
            schemas=catalogue_of(service, settings),
            metrics=self._metrics,
            clock=self._clock,
        )
        self._replica: Replica | None = None
        self._shown: Follower | None = None
        self._telling: Telling | None = None
        self._switchboard = Switchboard()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve HTTP and count, until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        app = http_app(status=self.status, registry=self._metrics.registry, own=self._switchboard)
        http = server(app, host=self._settings.http_host, port=self._settings.http_port)
        serving = asyncio.create_task(http.serve())
        announce(service, self._connection, version=self._settings.version)
        try:
            await self._until_stopped(self._count())
        finally:
            http.stop()
            await serving

    def status(self) -> Mapping[str, Any]:
        """Return what ``/status`` tells."""
        totals, shown, telling, replica = self._metrics.totals(), self._shown, self._telling, self._replica
        return {
            "service": service.name,
            "totals": {
                "handled": totals.handled,
                "dropped": totals.dropped,
                "retried": 0,
                "dead": 0,
                "conflicting": 0,
                "late": shown.reading.late if shown else 0,
                "unreadable": shown.reading.unreadable if shown else 0,
                "told": telling.events if telling else 0,
            },
            "in_flight": 0,
            "held": 0,
            "ledger": "not needed",
            "outbox_idle": True,
            "counting": shown is not None,
            "minutes": len(shown.minutes) if shown else 0,
            "generation": replica.generation if replica else None,
            "changes_over_to": replica.comes if replica else None,
        }

    async def _count(self) -> None:
        publisher = KafkaPublisher(self._connection)
        self._telling = Telling(
            encoder=Encoder(service=service.name, codec=self._hosting.codec, clock=self._clock),
            publisher=publisher,
            clock=self._clock,
            settings=self._own,
        )
        self._replica = Replica(
            instance=self._settings.instance or service.name,
            following=Following(self._connection, service=service.name),
            switchboard=self._switchboard,
            open_=self._open,
            ends=self._hosting.logs.ends,
            append=GenerationLog(self._connection, publisher).append,
            clock=self._clock,
            shown=self._show,
        )
        tells = asyncio.create_task(self._telling.run())
        try:
            await self._replica.run()
        finally:
            tells.cancel()
            await publisher.close()

    async def _open(self, generation: Generation) -> Hosted:
        return await self._hosting.open(Opening(generation=generation, settings=self._settings, built=False))

    def _show(self, hosted: Hosted) -> None:
        """Tell from now on what this generation counts: one that does not answer tells nothing."""
        assert isinstance(hosted, Follower)
        assert self._telling is not None
        self._shown = hosted
        self._telling.turn_to(hosted.minutes)

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

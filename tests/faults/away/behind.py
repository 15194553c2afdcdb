"""Behind: the conformance suite's real world, with proxies between the service and what it stands on.

Only the service is behind them; whoever looks from outside, sends and reads is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from farandole.engine.runtime import private_topics_of
from farandole.engine.session import LedgerSession
from farandole.event import Event
from farandole.http.app import create_app
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.ledger import RedisLedger
from farandole.runner import status_of
from farandole.service import Service
from farandole.store import Store
from farandole.testing.backend import Backend
from world import RealWorld

WITHIN = 30.0
PATIENCE = timedelta(seconds=1)


class Behind(RealWorld):
    """A service whose Redis is the backend's, its brokers at ``bootstrap``, its database at ``database_url``."""

    def __init__(
        self,
        service: Service,
        folder: Path,
        backend: Backend,
        events: Sequence[type[Event]],
        *,
        bootstrap: str | None = None,
        database_url: str | None = None,
    ) -> None:
        super().__init__(service, folder, backend, events)
        self._direct = self._connection
        self._connection = Connection(bootstrap=bootstrap or backend.bootstrap, client_id=service.name)
        self._url = database_url or self._url
        self._down = True

    async def start(self) -> None:
        """Run the service."""
        if not self._created:
            topics = [domain_topic(name, partitions=2) for name in sorted({one.avro.topic for one in self._events})]
            await create(self._direct, topics + private_topics(private_topics_of(self.service), partitions=1))
            self._outside, self._created = KafkaPublisher(self._direct), True
        await super().start()
        self._down = False
        app = create_app(status=self.status, registry=self.runtime.metrics.registry, own=self.runtime.http)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://behind")

    async def crash(self) -> None:
        """End the service as kill -9 would."""
        if not self._down:
            self._down = True
            await super().crash()

    @property
    def session(self) -> LedgerSession:
        """The service's conversation with its ledger."""
        session = self.runtime.session
        assert session is not None
        return session

    @property
    def ledger(self) -> RedisLedger:
        """The service's own ledger."""
        return self._ledger

    async def eventually(self, condition: Callable[[], bool], *, within: float = WITHIN) -> None:
        """Wait until the condition holds, whatever else is still to be done; the service must not end meanwhile."""
        deadline = time.monotonic() + within
        while not await asyncio.to_thread(condition):
            assert self._running is not None
            if self._running.done():
                self._running.result()
            assert time.monotonic() < deadline, f"it never came true; the ledger: {self.session.unavailable or 'ok'}"
            await asyncio.sleep(0.02)

    async def nothing_open(self) -> None:
        """Wait until the ledger has nothing open: what was owed to it is told, nothing is stranded."""
        deadline = time.monotonic() + WITHIN
        while (entries := await self.ledger.entries()) or self.session.owed:
            assert time.monotonic() < deadline, f"open in the ledger: {list(entries.values())}"
            await asyncio.sleep(0.05)

    def status(self) -> Mapping[str, Any]:
        """Return what the service's ``/status`` tells."""
        return status_of(self.service, self.runtime, groups={})

    async def notes(self, *things: str) -> set[int]:
        """Hand notes to the service's HTTP side; return the status codes."""
        return {(await self.http.post(f"/notes/{thing}")).status_code for thing in things}

    @property
    def store(self) -> Store:
        """The service's own store."""
        store = self.runtime._ports.store
        assert store is not None
        return store

    def _store(self) -> Store | None:
        if self.service.tables is None:
            return None
        return Store(self._url, metadata=(self.service.tables,), service=self.service.name, patience=PATIENCE)

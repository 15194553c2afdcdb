"""Draining: waits until nobody has anything left to do: no lag, empty outboxes, no webhook owed, nothing in flight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from farandole.errors import BrokerUnavailableError
from farandole.local.state import MeshState

from farandole_sandbox.demo.lag import Groups, LagMeter, groups
from farandole_sandbox.demo.outside_books import webhooks_pending
from farandole_sandbox.demo.stores import outbox_waiting

PATIENCE: Final = timedelta(seconds=60)
TICK: Final = timedelta(milliseconds=250)
_TIMEOUT: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What is left to do. ``lag`` holds the records before each group, also those that are ``held`` until due."""

    lag: Mapping[str, int] = field(default_factory=dict[str, int])
    outboxes: int = 0
    webhooks: int = 0
    in_flight: int = 0
    held: int = 0
    away: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left, and everybody was there to say so."""
        return not (self.lag or self.outboxes or self.webhooks or self.in_flight or self.held or self.away)

    def __str__(self) -> str:
        parts = [f"{count} records before {group}" for group, count in sorted(self.lag.items())]
        counted = (
            (self.outboxes, "events in outboxes"),
            (self.webhooks, "webhooks owed"),
            (self.in_flight, "deliveries in flight"),
            (self.held, "retries that are not due yet"),
        )
        parts += [f"{count} {what}" for count, what in counted if count]
        return ", ".join([*parts, *filter(None, [self.away])]) or "nothing"


class Drain:
    """Asks a mesh what is left to do. ``also`` names consumer groups beside those of the installed services."""

    def __init__(self, mesh: MeshState, client: httpx2.AsyncClient, *, also: Groups | None = None) -> None:
        self._mesh = mesh
        self._client = client
        self._meter = LagMeter(mesh.bootstrap, {**groups(), **(also or {})})

    async def until_empty(self, *, patience: timedelta = PATIENCE) -> Backlog:
        """Return once nothing is left, or what is left when it has not changed for as long as ``patience``.

        As long as a retry is held, nobody can say that nothing will change: it becomes due, and in the end dead.
        """
        last, changed = None, time.monotonic()
        while True:
            backlog = await self.look()
            if backlog.is_empty:
                return backlog
            if backlog != last or backlog.held:
                last, changed = backlog, time.monotonic()
            if time.monotonic() - changed > patience.total_seconds():
                return backlog
            await asyncio.sleep(TICK.total_seconds())

    async def look(self) -> Backlog:
        """Return what is left now; who does not answer is named, and counts as not done."""
        home, names = Path(self._mesh.home), [process.name for process in self._mesh.services]
        try:
            told = [await status_of(self._client, process.url) for process in self._mesh.services]
            return Backlog(
                webhooks=await webhooks_pending(self._client, self._mesh.url("sandbox")),
                in_flight=sum(int(one["in_flight"]) for one in told if one is not None),
                held=sum(int(one["held"]) for one in told if one is not None),
                outboxes=await asyncio.to_thread(outbox_waiting, home, names),
                lag=await asyncio.to_thread(self._meter.read),
            )
        except (httpx2.HTTPError, BrokerUnavailableError) as error:
            return Backlog(away=str(error) or type(error).__name__)


async def status_of(client: httpx2.AsyncClient, url: str) -> Any:
    """Return what a service tells of itself; None when it tells nothing, as the sandbox does."""
    answer = await client.get(f"{url}/status", timeout=_TIMEOUT)
    return msgspec.json.decode(answer.content) if answer.status_code == 200 else None

"""Playing: one way through one storm: the outage, its end, and the wait until every order is answered or given up."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from datetime import timedelta
from typing import Final

import httpx2
from farandole.errors import LocalMeshError
from farandole.local.state import MeshState

from farandole_sandbox.demo.draining import status_of
from farandole_sandbox.demo.outside_books import read_effects
from farandole_sandbox.demo.topics import read_topics
from farandole_sandbox.storm.answers import ANSWERS, AnswerMeter
from farandole_sandbox.storm.count import count
from farandole_sandbox.storm.forecast import Forecast
from farandole_sandbox.storm.gateway_books import read_traffic
from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.processes import PAYMENTS, SANDBOX, policy
from farandole_sandbox.storm.queued import order_ids
from farandole_sandbox.storm.row import Row
from farandole_sandbox.storm.way import Way
from farandole_sandbox.storm.weather import end_outage

_TICK: Final = timedelta(milliseconds=200)
_FIRST_CALL_WITHIN: Final = timedelta(seconds=60)
_MOST_IDLE: Final = timedelta(seconds=30)


class Playing:
    """Lives through the storm on a mesh that is ready for it. For one event loop."""

    def __init__(self, way: Way, plan: Plan, mesh: MeshState, client: httpx2.AsyncClient, forecast: Forecast) -> None:
        self._way = way
        self._plan = plan
        self._mesh = mesh
        self._client = client
        self._gateway = mesh.url(SANDBOX)
        self._forecast = forecast

    async def play(self, outage_id: str) -> Row:
        """Live through it, and return what was counted."""
        await self._first_call()
        await self._sit_out()
        back = time.time()
        await end_outage(self._client, self._gateway, outage_id)
        await self._drain()
        await self._rest()
        return await self._counted(back)

    async def _first_call(self) -> None:
        """Wait until the gateway is called: from then on the outage is counted, the same in every way."""
        closes = time.monotonic() + _FIRST_CALL_WITHIN.total_seconds()
        while not await self._calls():
            if time.monotonic() > closes:
                raise LocalMeshError(
                    "nobody calls the gateway",
                    why=f"no call within {_FIRST_CALL_WITHIN.total_seconds():g} s",
                    do=f"look into {self._mesh.home}/logs",
                )
            await asyncio.sleep(_TICK.total_seconds())

    async def _calls(self) -> int:
        try:
            return (await read_traffic(self._client, self._gateway)).calls
        except httpx2.TransportError:
            return 0

    async def _sit_out(self) -> None:
        ends = time.monotonic() + self._plan.outage.total_seconds()
        while (left := ends - time.monotonic()) > 0:
            self._forecast.outage(self._way, left=timedelta(seconds=left), calls=await self._calls())
            await asyncio.sleep(min(left, 1.0))

    async def _drain(self) -> None:
        """Return when every order is answered or given up, or when nothing moves for longer than a retry may wait."""
        patience = policy().ceiling(policy().tiers) + _MOST_IDLE
        moved, last = time.monotonic(), -1
        with closing(AnswerMeter(self._mesh.bootstrap)) as meter:
            while time.monotonic() - moved < patience.total_seconds():
                answered, dead = await asyncio.to_thread(meter.read)
                if answered + dead >= self._plan.orders:
                    return
                if answered + dead > last:
                    moved, last = time.monotonic(), answered + dead
                self._forecast.draining(self._way, answered=answered, dead=dead)
                await asyncio.sleep(_TICK.total_seconds())

    async def _rest(self) -> None:
        """Let the payments service finish what it has in hand: a double that comes late is a double, too."""
        if self._way is not Way.MESH:
            return
        closes = time.monotonic() + _MOST_IDLE.total_seconds()
        while time.monotonic() < closes:
            told = await status_of(self._client, self._mesh.url(PAYMENTS))
            if told is not None and not told["in_flight"] and not told["held"]:
                return
            await asyncio.sleep(_TICK.total_seconds())

    async def _counted(self, back: float) -> Row:
        topics = await asyncio.to_thread(read_topics, self._mesh.bootstrap)
        return Row(
            way=self._way,
            orders=self._plan.orders,
            traffic=await read_traffic(self._client, self._gateway),
            counted=count(
                order_ids(self._plan.orders),
                records=[record for record in topics.domain if record.topic == ANSWERS],
                dead=[record for service, record in topics.dead if service == PAYMENTS],
                effects=await read_effects(self._client, self._gateway),
            ),
            back=back,
        )

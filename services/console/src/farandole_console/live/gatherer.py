"""Gatherer: looks at the mesh again and again in the background, within bounds, and keeps what it saw last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Final

import structlog
from farandole.engine.ports import Partition
from farandole.errors import FarandoleError
from farandole.kafka.topics import AUDIT
from farandole.operations import Noted, courses
from farandole.runner import connection_of
from farandole.settings import Settings

from farandole_console.live.eyes import Eyes, MeshEyes
from farandole_console.live.pace import Pace
from farandole_console.live.sight import Behind, GroupSight, Sight, TopicSight

log = structlog.get_logger(__name__)

MOST_NOTES: Final = 20_000
OVERLAP: Final = timedelta(minutes=1)
LOGS: Final = timedelta(seconds=2)
GROUPS: Final = timedelta(seconds=10)
REDIS: Final = timedelta(seconds=2)


class Gatherer:
    """Keeps a `Sight`. Each source is asked by a task of its own: one that is away holds up no other."""

    def __init__(self, eyes: Eyes) -> None:
        self.sight = Sight()
        self._eyes = eyes
        self._pace = Pace()
        self._ends: dict[Partition, int] = {}
        self._notes: dict[int, Noted] = {}
        self._audited = -1
        self._lags: dict[str, tuple[float, int]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again("kafka", LOGS, self.look_at_logs))
            tasks.create_task(self._again("groups", GROUPS, self.look_at_groups))
            tasks.create_task(self._again("redis", REDIS, self.look_at_breakers))

    async def _again(self, source: str, every: timedelta, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            began = time.monotonic()
            await self.look(source, look)
            # As long again as it took, at least: a slow source is not asked all the time.
            await asyncio.sleep(max(every.total_seconds(), time.monotonic() - began))

    async def look(self, source: str, look: Callable[[], Awaitable[None]]) -> None:
        """Look once; what goes wrong is kept as a fault of the source, and told."""
        faults = {name: why for name, why in self.sight.faults.items() if name != source}
        try:
            await look()
        except FarandoleError as away:
            faults[source] = away.what
        except Exception as error:
            log.exception("a look at the mesh failed", source=source)
            faults[source] = f"it could not be read: {type(error).__name__}"
        self.sight = replace(self.sight, faults=faults)

    async def look_at_logs(self) -> None:
        """See how far each topic goes, and read what is new in the audit topic."""
        starts, ends = await asyncio.to_thread(self._eyes.ends)
        self._ends = dict(ends)
        ended, held = dict[str, int](), dict[str, int]()
        for at, end in ends.items():
            ended[at.topic] = ended.get(at.topic, 0) + end
            held[at.topic] = held.get(at.topic, 0) + end - starts.get(at, end)
        bare = {name: TopicSight(name=name, records=count) for name, count in sorted(held.items())}
        summed = frozenset(name for name, one in bare.items() if one.is_domain)
        self._pace.read(time.monotonic(), ended, moment=time.time(), summed=summed)
        paces = self._pace.per_second
        self.sight = replace(
            self.sight,
            topics={name: replace(one, per_second=paces.get(name, 0.0)) for name, one in bare.items()},
            pace=tuple(self._pace.history),
        )
        await self._look_at_audit(ended.get(AUDIT, 0))

    async def _look_at_audit(self, end: int) -> None:
        if end == self._audited:
            return
        youngest = self._notes[max(self._notes)].record.at if self._notes else None
        notes, foreign = await self._eyes.notes(None if youngest is None else youngest.astimezone(UTC) - OVERLAP)
        self._notes |= {one.offset: one for one in notes}
        for offset in sorted(self._notes)[:-MOST_NOTES]:
            del self._notes[offset]
        self._audited = end
        found = courses(self._notes[offset] for offset in sorted(self._notes))
        self.sight = replace(self.sight, courses=tuple(reversed(found)), foreign=foreign)

    async def look_at_groups(self) -> None:
        """See who is there, and how far behind."""
        groups = await asyncio.to_thread(self._eyes.groups)
        if not self._ends:
            self._ends = dict((await asyncio.to_thread(self._eyes.ends))[1])
        partitions = [one for one in self._ends if not one.topic.startswith("_")]
        found: dict[str, GroupSight] = {}
        for name, (members, state) in sorted(groups.items()):
            committed = await asyncio.to_thread(self._eyes.committed, name, partitions)
            behind = [
                Behind(topic=at.topic, partition=at.number, next=offset, lag=max(0, self._ends.get(at, 0) - offset))
                for at, offset in sorted(committed.items(), key=lambda one: (one[0].topic, one[0].number))
            ]
            seen = GroupSight(name=name, members=members, state=state, behind=behind)
            found[name] = replace(seen, drains_in=self._drains_in(name, seen.lag))
        self.sight = replace(self.sight, groups=found)

    def _drains_in(self, group: str, lag: int) -> timedelta | None:
        now = time.monotonic()
        at, before = self._lags.get(group, (now, lag))
        self._lags[group] = (now, lag)
        if not lag:
            return timedelta(0)
        nearer = (before - lag) / (now - at) if now > at else 0.0
        return timedelta(seconds=min(lag / nearer, 10_000_000)) if nearer > 0 else None

    async def look_at_breakers(self) -> None:
        """See how the outside systems do."""
        self.sight = replace(self.sight, breakers=await self._eyes.breakers())


@asynccontextmanager
async def gathering(settings: Settings) -> AsyncGenerator[Gatherer]:
    """Give a gatherer that looks at the mesh of the settings until the end of the block."""
    eyes = MeshEyes(
        connection_of(settings, client="console"),
        redis_url=settings.redis_url.get_secret_value(),
        cluster=settings.cluster,
    )
    gatherer = Gatherer(eyes)
    running = asyncio.create_task(gatherer.run())
    try:
        yield gatherer
    finally:
        running.cancel()

"""Lookout: looks at the brokers for how far everybody has read, and has the promises judged by that.

The order of a look is what makes it safe: first how far the services have committed, then where the logs end, then it
waits until the console has indexed as far. A service publishes before it commits; so whatever a commit vouches for is
in the index when the promises are judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from farandole import Clock, Store
from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError, UnavailableError
from farandole.expectation import Expectation
from farandole.headers import CORRELATION_ID
from farandole.kafka.log_reader import LogReader, Span
from farandole.runner import connection_of
from farandole.settings import Settings

from farandole_console.live.declared import Declarations
from farandole_console.promises.promise import Unread
from farandole_console.promises.promises import MOST_JUDGED, Promises

log = structlog.get_logger(__name__)

CATCHES_UP_WITHIN: Final = 8.0
AGAIN_AFTER: Final = 2.0
MOST_PRIVATE: Final = 20_000
"""How many records that wait on private topics are looked into; where there are more, every flow may be among them."""
PAGES: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """How far services have read, and the flows with records that wait on their private topics, since when."""

    committed: Mapping[str, Mapping[Partition, int]] = field(default_factory=dict[str, Mapping[Partition, int]])
    waiting: Mapping[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])
    flooded: frozenset[str] = frozenset()


class Lookout:
    """Looks, one look at a time. For one event loop."""

    def __init__(
        self,
        promises: Promises,
        declarations: Declarations,
        open_log: Callable[[], LogReader],
        *,
        group: str,
        clock: Clock,
        bootstrap: str = "",
    ) -> None:
        self._promises = promises
        self._declarations = declarations
        self._open_log = open_log
        self._log: LogReader | None = None
        self._group = group
        self._bootstrap = bootstrap
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._not_before = 0.0

    def begin(self) -> None:
        """Begin a look, unless one is under way or the brokers were away just now."""
        if (self._task is None or self._task.done()) and time.monotonic() >= self._not_before:
            self._task = asyncio.create_task(self._run())

    async def look(self) -> bool:
        """Look once; tell whether everything was in order. Raises UnavailableError."""
        try:
            return await self._look()
        except UnavailableError:
            # A client that knew the brokers before they went away may go on asking by what they were (a leader's old
            # epoch) for minutes.
            self._log = None
            raise

    async def _look(self) -> bool:
        if not self._declarations.is_complete:
            return False
        now = self._clock.now()
        due = await self._promises.are_due(now)
        sight = await asyncio.to_thread(self._sight) if due else Sight()
        if not await self._caught_up():
            return False
        await self._promises.watched(self._clock.now())
        if due:
            for _ in range(PAGES):
                if await self._promises.judge_due(now, lambda row, each: self._unread(sight, row, each)) < MOST_JUDGED:
                    break
            await self._promises.count()
        return True

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            if self._bootstrap:
                await _demand_answer(self._bootstrap)
            await self.look()
        except UnavailableError as error:
            self._not_before = time.monotonic() + AGAIN_AFTER
            log.warning("the flows are not watched", reason=error.what)
        except Exception:
            self._not_before = time.monotonic() + AGAIN_AFTER
            log.exception("a look at the flows failed and is tried again")

    async def _caught_up(self) -> bool:
        goal = await asyncio.to_thread(self._ends)
        deadline = time.monotonic() + CATCHES_UP_WITHIN
        while True:
            read = await asyncio.to_thread(self._asked().committed, self._group, goal)
            if all(read.get(one, 0) >= end for one, end in goal.items()):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.25)

    def _asked(self) -> LogReader:
        self._log = self._log or self._open_log()
        return self._log

    def _ends(self) -> Mapping[Partition, int]:
        ours = [one for one in self._asked().partitions() if one.topic in self._declarations.expected.topics]
        starts, ends = self._asked().starts(ours), self._asked().ends(ours)
        return {one: end for one, end in ends.items() if end > starts[one]}

    def _sight(self) -> Sight:
        partitions = self._asked().partitions()
        committed: dict[str, Mapping[Partition, int]] = {}
        waiting: dict[tuple[str, str], datetime] = {}
        flooded: set[str] = set()
        for service, topics in self._declarations.expected.private.items():
            own = [one for one in partitions if one.topic in topics]
            heard = [one for one in partitions if one.topic in self._declarations.expected.topics]
            committed[service] = self._asked().committed(service, [*own, *heard])
            starts, ends = self._asked().starts(own), self._asked().ends(own)
            spans = {one: Span(start=max(starts[one], committed[service].get(one, 0)), end=ends[one]) for one in own}
            if sum(span.end - span.start for span in spans.values()) > MOST_PRIVATE:
                flooded.add(service)
                continue
            for batch in self._asked().records(spans):
                for record in batch:
                    waiting.setdefault((service, _flow_of(record)), record.appended)
        return Sight(committed=committed, waiting=waiting, flooded=frozenset(flooded))

    def _unread(self, sight: Sight, row: Mapping[str, Any], each: Expectation) -> Unread | None:
        at = Partition(topic=row["topic"], number=row["partition"])
        for service, event_type in self._declarations.expected.leading[each.key]:
            if event_type != row["type"]:
                continue
            since = row["appended"] if service in sight.flooded else sight.waiting.get((service, row["flow_id"]))
            if since is not None:
                return Unread(service=service, type=f"a retry of {event_type}", since=since)
            if sight.committed.get(service, {}).get(at, 0) <= row["offset"]:
                return Unread(service=service, type=event_type, since=row["appended"])
        return None


async def _demand_answer(bootstrap: str) -> None:
    """Raise BrokerUnavailableError where no broker takes a connection: Kafka's client would wait for long to say so."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError, ValueError):
            continue
        writer.close()
        return
    raise BrokerUnavailableError("the brokers do not answer", do="farandole doctor")


def _flow_of(record: Record) -> str:
    found = dict(record.headers).get(CORRELATION_ID)
    return found.decode(errors="replace") if isinstance(found, bytes) else ""


@asynccontextmanager
async def open_lookout(
    promises: Promises, declarations: Declarations, store: Store, settings: Settings, clock: Clock
) -> AsyncGenerator[Lookout]:
    """Give a lookout that ends with the service."""
    connection = connection_of(settings, client="console.lookout")
    group = store.generation.named("console.observer")
    lookout = Lookout(
        promises, declarations, lambda: LogReader(connection), group=group, clock=clock, bootstrap=settings.brokers
    )
    try:
        yield lookout
    finally:
        await lookout.close()

"""Gate: what a delivery passes before its handler runs: the doors of the dependencies that the handler needs.

A run that fails for a dependency's sake never reaches the retry policy by itself. The delivery waits in memory and is
run again when the breaker permits; only when it has failed twice, and the dependency worked for somebody else since the
first time, the fault is taken to be its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from farandole.breaker import Kind, Phase, is_poison, is_trouble, kind_of
from farandole.calls import Calls
from farandole.clock import Clock
from farandole.delivery import Delivery
from farandole.engine.door import Door
from farandole.engine.ports import Partition, Source
from farandole.engine.thrown import in_words
from farandole.engine.visitor import Permit, Visitor
from farandole.handler import Handler
from farandole.metrics import Metrics

CANDIDATES: Final = 16
"""So many deliveries of a partition may wait for a breaker before nothing more of it is fetched: enough to find one to
probe with that is not poison."""


@dataclass(kw_only=True, slots=True)
class Troubles:
    """What one delivery has had to suffer for its dependencies' sake, in memory: how often, and since when."""

    failures: int = 0
    throttled: int = 0
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """The permits under which one run takes place."""

    permits: Sequence[tuple[Door, Permit]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A run that failed for a dependency's sake: the delivery is kept, and run again when that works."""

    dependency: str
    throttled: bool
    shut: bool
    """Whether the breaker is open: then it says when, and no delay of the delivery's own is needed."""


PATIENCE: Final = timedelta(seconds=5)
"""How long a delivery waits at one door with permits of others in its hand: somebody else may wait for those."""
NO_PASSAGE: Final = Passage()


class Gate:
    """The doors of one worker. For one event loop; `run` has to run."""

    def __init__(
        self,
        doors: Mapping[str, Door],
        *,
        source: Source,
        hold: Callable[[Delivery], AbstractContextManager[None]],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.doors = doors
        self._clock = clock
        self._source = source
        self._hold = hold
        self._metrics = metrics
        self._standing: Counter[Partition] = Counter()
        self._paused: set[Partition] = set()

    @property
    def resting(self) -> bool:
        """Whether nothing happens at any door before the clock goes on."""
        return all(door.resting for door in self.doors.values())

    async def run(self) -> None:
        """Keep the doors, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for door in self.doors.values():
                tasks.create_task(door.run())

    async def enter(self, delivery: Delivery, handler: Handler | None, troubles: Troubles, *, rerun: bool) -> Passage:
        """Wait until the handler's dependencies may be called."""
        if handler is None or not handler.depends_on:
            return NO_PASSAGE
        doors = [self.doors[one.name] for one in handler.depends_on]
        while True:
            passage = await self._through_all(doors, delivery, handler, troubles, rerun=rerun)
            if passage is not None:
                return passage

    async def _through_all(
        self, doors: Sequence[Door], delivery: Delivery, handler: Handler, troubles: Troubles, *, rerun: bool
    ) -> Passage | None:
        """Take a permit at each door; None where one took too long, and those of the others were given back."""
        permits: list[tuple[Door, Permit]] = []
        try:
            # Where it may take long first, with nothing in hand that others could use.
            for door in sorted(doors, key=lambda one: (not one.is_guarded, one.dependency.name)):
                visitor = self._visitor(delivery, handler, troubles, rerun=rerun)
                permit = door.at_once(visitor)
                if permit is None:
                    permit = await (self._within_patience(door, visitor) if permits else door.enter(visitor))
                if permit is None:
                    _give_back(permits)
                    return None
                permits.append((door, permit))
        except BaseException:
            _give_back(permits)
            raise
        return Passage(permits=tuple(permits))

    async def _within_patience(self, door: Door, visitor: Visitor) -> Permit | None:
        async def lose_patience() -> None:
            await self._clock.sleep(PATIENCE)
            visitor.give_up()

        timer = asyncio.create_task(lose_patience())
        try:
            return await door.enter(visitor)
        finally:
            timer.cancel()

    async def leave(
        self, passage: Passage, error: BaseException | None, calls: Calls, troubles: Troubles, *, ran: bool
    ) -> Trouble | None:
        """Report a run that ended; return the trouble for whose sake it is to be run again, if it is.

        ``ran`` is False where the handler did not run, as the inbox knew what came of the event.
        """
        told, trouble = [], None
        for door, permit in passage.permits:
            kind = self._kind(door, error, calls, alone=len(passage.permits) == 1) if ran else Kind.NOTHING
            after = getattr(error, "after", None) if kind is Kind.THROTTLED else None
            reported = door.leave(permit, kind, reason="" if error is None else in_words(error), after=after)
            if error is not None and is_trouble(error, door.dependency):
                trouble = trouble or (door, kind)
            if reported is not None:
                told.append(reported)
        if trouble is None:
            return None
        # Before anything is decided the fleet has to have heard of it: the reply says what the others saw.
        await asyncio.gather(*told)
        return self._trouble(*trouble, troubles)

    def abandon(self, passage: Passage) -> None:
        """Give the permits of a run back that ended for no reason of its own."""
        _give_back(passage.permits)

    @contextmanager
    def hold(self, delivery: Delivery) -> Generator[None]:
        """Hold a delivery in its lane; nothing more of its partition is fetched once enough of it stand."""
        coordinates = delivery.coordinates
        partition = Partition(topic=coordinates.topic, number=coordinates.partition)
        self._standing[partition] += 1
        if self._standing[partition] >= CANDIDATES and partition not in self._paused:
            self._paused.add(partition)
            self._source.pause(partition)
            self._metrics.pauses(len(self._paused))
        try:
            with self._hold(delivery):
                yield
        finally:
            self._standing[partition] -= 1
            if self._standing[partition] <= CANDIDATES // 2 and partition in self._paused:
                self._paused.discard(partition)
                self._source.resume(partition)
                self._metrics.pauses(len(self._paused))

    def _visitor(self, delivery: Delivery, handler: Handler, troubles: Troubles, *, rerun: bool) -> Visitor:
        return Visitor(
            partition=Partition(topic=delivery.coordinates.topic, number=delivery.coordinates.partition),
            rerun=rerun or troubles.failures > 0 or troubles.throttled > 0,
            failures=troubles.failures,
            lasts=handler.timeout,
            hold=partial(self.hold, delivery),
        )

    def _kind(self, door: Door, error: BaseException | None, calls: Calls, *, alone: bool) -> Kind:
        name = door.dependency.name
        if any(noted[one] for noted in (calls.answered, calls.failed) for one in (name, "") if one or alone):
            door.silent = False
        return kind_of(error, calls, door.dependency, alone=alone, silent=door.silent)

    def _trouble(self, door: Door, kind: Kind, troubles: Troubles) -> Trouble | None:
        state, name = door.session.known, door.dependency.name
        if kind is Kind.THROTTLED:
            troubles.throttled += 1
            return Trouble(dependency=name, throttled=True, shut=False)
        troubles.failures += 1
        troubles.since = troubles.since or door.session.now()
        if state is not None and is_poison(troubles.failures, troubles.since, state):
            troubles.failures, troubles.since = 0, None
            return None
        return Trouble(dependency=name, throttled=False, shut=door.session.phase is Phase.OPEN)


def _give_back(permits: Sequence[tuple[Door, Permit]]) -> None:
    for door, permit in permits:
        door.leave(permit, Kind.NOTHING)

"""Door: where the deliveries of one worker wait for one dependency.

While its breaker is closed nobody waits but for a place, and no first run asks before it begins. While it is open all
wait, held in memory, but for the one that probes.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from farandole.breaker import Breakers, Dependency, Kind, Outcome, Phase, Turn, Wants, permits_anything
from farandole.breaker.permits import LATE
from farandole.clock import Clock
from farandole.engine.breaker_session import BreakerSession
from farandole.engine.probing import Healthy, Probing, health
from farandole.engine.thrown import is_ending
from farandole.engine.unless import finished
from farandole.engine.visitor import Permit, Visitor
from farandole.metrics import Metrics

NO_TIME: Final = timedelta(0)


class Door:
    """One dependency before one worker. For one event loop; nobody is told or asked anything unless `run` runs."""

    def __init__(
        self,
        dependency: Dependency,
        *,
        breakers: Breakers,
        clock: Clock,
        metrics: Metrics,
        holder: str,
        healthy: Healthy | None = None,
    ) -> None:
        self.dependency = dependency
        self.session = BreakerSession(dependency, breakers=breakers, clock=clock, metrics=metrics)
        self.silent = True
        """Whether no client has ever noted a call to this dependency."""
        self.resting = True
        """Whether nothing happens here before the clock goes on."""
        self._clock = clock
        self._metrics = metrics
        self._probing = Probing(holder=holder, healthy=healthy)
        self._waiting: list[Visitor] = []
        self._running = 0
        self._ask_at: datetime | None = None
        self._woken = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many deliveries wait here."""
        return len(self._waiting)

    def at_once(self, visitor: Visitor) -> Permit | None:
        """Return a permit if one is to be had without waiting or asking."""
        if visitor.rerun or not self.session.is_wide_open or self._places_at_once <= 0:
            return None
        return self._permit()

    async def enter(self, visitor: Visitor) -> Permit | None:
        """Wait for a permit; None where the visitor gave up."""
        permit = self.at_once(visitor)
        if permit is not None:
            return permit
        self._waiting.append(visitor)
        self._changed()
        try:
            if self._is_shut(visitor):
                visitor.turn_away()
            return await visitor.admitted()
        except BaseException:
            if visitor.permit is not None:
                self.leave(visitor.permit, Kind.NOTHING)
            raise
        finally:
            if visitor.permit is None:
                self._waiting.remove(visitor)
                self._changed()

    def leave(
        self, permit: Permit, kind: Kind, *, reason: str = "", after: timedelta | None = None
    ) -> asyncio.Future[None] | None:
        """Give a permit back and say what came of it. What is returned is done when the fleet knows of a failure."""
        self._running -= 1
        told = None
        if kind is not Kind.NOTHING or permit.probe:
            told = self._note(kind, permit, reason, after)
        if self.session.is_wide_open:
            self._let_in(self._places_at_once, rerun=False)
        self._changed()
        return told

    @property
    def is_guarded(self) -> bool:
        """Whether first runs have to ask here."""
        return self.session.known is None or not permits_anything(self.session.known, self.dependency)

    async def run(self) -> None:
        """Report and ask, for ever."""
        try:
            while not is_ending():
                pause = self._pause()
                if pause is None or pause > NO_TIME:
                    self.resting = True
                    await self._rest(pause)
                    self.resting = False
                else:
                    await self._exchange()
        finally:
            if self._asking is not None:
                self._asking.cancel()

    async def _rest(self, pause: timedelta | None) -> None:
        if pause is None:
            await self._woken.wait()
        else:
            await finished(self._clock.sleep(pause), unless=self._woken)
        self._woken.clear()

    def _changed(self) -> None:
        self.resting = False
        self._woken.set()
        self._metrics.waits(self.dependency.name, len(self._waiting))

    def _pause(self) -> timedelta | None:
        """Return how long there is nothing to say; None for as long as nothing happens."""
        session, now, due = self.session, self._clock.now(), list[datetime]()
        if session.report_at is not None:
            due.append(_soon(session.report_at, now))
        is_open = session.phase is Phase.OPEN
        if any(not self._is_shut(one) for one in self._waiting) and self._has_room:
            return NO_TIME
        if (self._waiting and (self._has_room or is_open)) or (is_open and self._probing.healthy is not None):
            due.append(self._asks_at)
        if session.known is not None and session.phase is Phase.HALF_OPEN:
            due.append(session.here(session.known.since + self.dependency.ramp))
        return max(NO_TIME, min(due) - now) if due else None

    async def _exchange(self) -> None:
        wants = self._wants()
        turn = await self.session.exchange(wants)
        self._ask_at = self._clock.now() + turn.granted.again
        self._obey(turn, wants)
        self._metrics.waits(self.dependency.name, len(self._waiting))

    def _wants(self) -> Wants:
        reruns = sum(one.rerun for one in self._waiting)
        return Wants(
            first=len(self._waiting) - reruns,
            reruns=reruns,
            room=max(0, self.dependency.concurrency - self._running),
            probe=self._probing.lease(self._waiting, self.session.known, self.session.now()),
            probe_lasts=self._probing.lasts(self._waiting),
        )

    def _obey(self, turn: Turn, wants: Wants) -> None:
        self._let_in(turn.granted.reruns, rerun=True)
        self._let_in(turn.granted.first, rerun=False)
        if turn.granted.probe:
            self._probe(wants.probe)
        for visitor in self._waiting:
            if self._is_shut(visitor):
                visitor.turn_away()

    def _let_in(self, places: int, *, rerun: bool) -> None:
        # Since more were asked for others may have come in.
        places = max(0, min(places, self.dependency.concurrency - self._running))
        for visitor in [one for one in self._waiting if one.rerun is rerun][:places]:
            self._waiting.remove(visitor)
            visitor.admit(self._permit())

    def _permit(self, probe: str = "") -> Permit:
        self._running += 1
        return Permit(began=self.session.now(), probe=probe)

    def _probe(self, lease: str) -> None:
        self._probing.under_way = True
        permit = self._permit(lease)
        if self._probing.healthy is not None:
            self._asking = asyncio.create_task(self._ask_how_it_is(self._probing.healthy, permit))
            return
        candidate = self._probing.candidate(self._waiting)
        if candidate is None:
            self.leave(permit, Kind.NOTHING)
        else:
            self._waiting.remove(candidate)
            candidate.admit(permit)

    async def _ask_how_it_is(self, healthy: Healthy, permit: Permit) -> None:
        kind, reason = await health(healthy)
        self.leave(permit, kind, reason=reason)

    def _note(self, kind: Kind, permit: Permit, reason: str, after: timedelta | None) -> asyncio.Future[None] | None:
        if permit.probe:
            self._probing.ended(kind)
        return self.session.note(
            Outcome(
                kind=kind, began=permit.began, ended=self.session.now(), reason=reason, after=after, probe=permit.probe
            )
        )

    @property
    def _has_room(self) -> bool:
        return self._running < self.dependency.concurrency

    @property
    def _asks_at(self) -> datetime:
        now = self._clock.now()
        return now if self._ask_at is None else _soon(self._ask_at, now)

    @property
    def _places_at_once(self) -> int:
        """How many may come in without asking: all, but for one place when it is the turn of the reruns to ask."""
        is_their_turn = any(one.rerun for one in self._waiting) and self._asks_at <= self._clock.now()
        return self.dependency.concurrency - self._running - is_their_turn

    def _is_shut(self, visitor: Visitor) -> bool:
        """Say whether a visitor waits for more than a place or a reply."""
        return self.session.known is not None and (visitor.rerun or self.is_guarded)


def _soon(moment: datetime, now: datetime) -> datetime:
    """Return the moment, or now where this machine's clock was set back since: none is ever further off than LATE."""
    return moment if moment - now <= LATE else now

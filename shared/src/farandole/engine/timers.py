"""Timers: run a service's timed functions, and emit what they return through the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from farandole.clock import Clock
from farandole.engine.declared import declared_emissions
from farandole.engine.thrown import ends_the_task, is_ending
from farandole.handler import Timer
from farandole.outbox import Outbox
from farandole.store import Store, UnitOfWork

log = structlog.get_logger(__name__)


class TimerRun:
    """One timer of a service: one run at a time, at its interval; a run that fails is logged and comes again."""

    def __init__(
        self, timer: Timer, *, arguments: Mapping[str, Any], store: Store, outbox: Outbox, clock: Clock
    ) -> None:
        self._timer = timer
        self._arguments = arguments
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self.running = False

    async def run(self) -> None:
        """Run for ever, the first time after one interval."""
        while not is_ending():
            await self._clock.sleep(self._timer.interval)
            self.running = True
            try:
                await self.run_once()
            except BaseException as error:
                if ends_the_task(error):
                    raise
                log.exception("a timer failed and will run again", timer=self._timer.name)
            finally:
                self.running = False

    async def run_once(self) -> None:
        """Run the timer in one transaction with what it emits."""
        async with self._store.transaction() as work:
            arguments = dict(self._arguments)
            for name, annotation in self._timer.signature.parameters:
                if annotation is UnitOfWork:
                    arguments[name] = work
            outcome = await self._timer.function(**arguments)
            for one in declared_emissions(self._timer.name, self._timer.signature, outcome):
                await self._outbox.add(work, one.event, flow=one.flow, causes=one.causes)

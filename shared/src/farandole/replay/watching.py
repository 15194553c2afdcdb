"""Watching: how a service does while something is replayed to it: its live lag, what is outstanding, what is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from farandole.breaker import Breakers, Phase
from farandole.engine.runtime import heard_topics, private_topics_of
from farandole.kafka.log_reader import LogReader
from farandole.replay.brake import Traffic
from farandole.service import Service


class Watching:
    """Looks at one service from outside. For one task."""

    def __init__(self, service: Service, log: LogReader, breakers: Breakers, *, needs: Iterable[str]) -> None:
        self._group = service.name
        self._redelivery = private_topics_of(service).redelivery
        self._live = frozenset(heard_topics(service)).difference(private_topics_of(service).all)
        self._log = log
        self._breakers = breakers
        self._needs: AbstractSet[str] = frozenset(needs)

    async def look(self) -> Traffic:
        """Look once. Raises BrokerUnavailableError and BreakersUnavailableError."""
        live_lag, outstanding = await asyncio.to_thread(self._lags)
        return Traffic(live_lag=live_lag, outstanding=outstanding, away=await self._away())

    def _lags(self) -> tuple[int, int]:
        partitions = [one for one in self._log.partitions() if one.topic in self._live | {self._redelivery}]
        starts = self._log.starts(partitions)
        committed = self._log.committed(self._group, partitions)
        ends = self._log.ends(partitions)
        live = outstanding = 0
        for one in partitions:
            behind = max(0, ends[one] - max(starts[one], committed.get(one, 0)))
            if one.topic == self._redelivery:
                outstanding += behind
            else:
                live += behind
        return live, outstanding

    async def _away(self) -> list[str]:
        if not self._needs:
            return []
        states = await self._breakers.states()
        return sorted(name for name in self._needs if name in states and states[name].phase is Phase.OPEN)

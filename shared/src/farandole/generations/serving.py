"""Serving: a read model as a process: its HTTP side at once, its current generation as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from farandole.generations.following import Following
from farandole.generations.hosting import Hosting, RuntimeHosted
from farandole.generations.log import GenerationLog
from farandole.generations.replica import Replica
from farandole.generations.switchboard import Switchboard
from farandole.kafka.connection import Connection
from farandole.read_model import Generation, Hosted, Opening
from farandole.settings import Settings


class Serving:
    """The parts of the process that are there before a generation is."""

    def __init__(
        self,
        service: str,
        hosting: Hosting,
        *,
        settings: Settings,
        connection: Connection,
    ) -> None:
        self._settings = settings
        self._hosting = hosting
        self._held: set[RuntimeHosted] = set()
        self._shown: RuntimeHosted | None = None
        self.switchboard = Switchboard()
        self.replica = Replica(
            instance=settings.instance or service,
            following=Following(connection, service=service),
            switchboard=self.switchboard,
            open_=self._open,
            ends=hosting.logs.ends,
            append=GenerationLog(connection, hosting.publisher).append,
            clock=hosting.clock,
            shown=self._show,
        )

    def status(self, of: Callable[[RuntimeHosted | None], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what ``/status`` tells: ``of`` the generation that answers, and which one that is."""
        return {**of(self._shown), "generation": self.replica.generation, "changes_over_to": self.replica.comes}

    def leave(self, within: timedelta) -> None:
        """Give the partitions to others: from a thread, as the loop stands still."""
        for one in list(self._held):
            one.source.leave(within)

    async def _open(self, generation: Generation) -> Hosted:
        hosted = await self._hosting.open(Opening(generation=generation, settings=self._settings, built=False))
        self._held.add(hosted)
        return hosted

    def _show(self, hosted: Hosted) -> None:
        assert isinstance(hosted, RuntimeHosted)
        self._shown = hosted
        self._held = {hosted}

"""The services of an embedded mesh: started a few at a time, each in its surroundings, and waited for until ready."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from farandole.errors import LocalMeshError
from farandole.local import health, ports
from farandole.local.child import Command, tail
from farandole.local.notice import Change, Notice, Tell
from farandole.local.services import ServiceProcess, Surroundings
from farandole.local.state import Kind, ProcessState
from farandole.local.supervisor import Supervisor

_STEP_ASIDE = timedelta(seconds=1.5)
_POLL_SECONDS = 0.1


class Fleet:
    """The service processes of one mesh, run by its supervisor. Belongs to one event loop."""

    def __init__(
        self,
        services: Sequence[ServiceProcess],
        *,
        surroundings: Surroundings,
        supervisor: Supervisor,
        env: Mapping[str, str],
        tell: Tell,
    ) -> None:
        self._services = services
        self._surroundings = surroundings
        self._supervisor = supervisor
        self._env = env
        self._tell = tell

    @property
    def names(self) -> tuple[str, ...]:
        """The services, in the order in which they start."""
        return tuple(service.name for service in self._services)

    @property
    def gate(self) -> Path:
        """The file that lets the services run once it exists; until then they only import."""
        return self._surroundings.home / "provisioned"

    def log(self, name: str) -> Path:
        """Return the file that holds a service's output."""
        return self._surroundings.home / "logs" / f"{name}.log"

    async def run(self) -> None:
        """Start every service in its order, a few at a time: a dozen that import at once on two cores are all late."""
        booting = asyncio.Semaphore((os.cpu_count() or 1) + 1)
        async with asyncio.TaskGroup() as aside:
            for service in self._services:
                await booting.acquire()
                self._supervisor.run(service.name, self._command(service))
                aside.create_task(self._step_aside(service.name, booting))

    async def _step_aside(self, name: str, booting: asyncio.Semaphore) -> None:
        """Let the next one start once this one serves, or has imported for long enough."""
        deadline = time.monotonic() + _STEP_ASIDE.total_seconds()
        await ports.until_listening(self._surroundings.http_ports[name], deadline=deadline)
        booting.release()

    def _command(self, service: ServiceProcess) -> Command:
        return Command(
            argv=service.argv(self.gate),
            env=self._surroundings.environment(service, self._env),
            cwd=self._surroundings.home,
            log=self.log(service.name),
        )

    async def ready(self, *, within: timedelta) -> None:
        """Wait until every service says that it is ready, each told of as it does.

        Raises:
            LocalMeshError: Some are not in time; they are named, with the end of the first one's log.
        """
        deadline = time.monotonic() + within.total_seconds()
        said = await asyncio.gather(*(self.ready_by(name, deadline) for name in self.names))
        late = [name for name, ready in zip(self.names, said, strict=True) if not ready]
        if late:
            raise LocalMeshError(
                f"{', '.join(late)} not ready within {within.total_seconds():g} s",
                why=f"the end of {self.log(late[0])}:\n{tail(self.log(late[0]))}",
                do="farandole doctor",
                code="E414",
            )

    async def ready_by(self, name: str, deadline: float) -> bool:
        """Wait until one service is ready, at most until ``deadline`` (of ``time.monotonic``); tell whether it is."""
        while time.monotonic() < deadline:
            if await health.ready(self._surroundings.http_ports[name]):
                self._tell(Notice(name=name, change=Change.READY, detail=self._surroundings.url(name)))
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False

    def states(self) -> tuple[ProcessState, ...]:
        """Return how each service's process is now."""
        return tuple(
            process_state(self._supervisor, name, kind="service", url=self._surroundings.url(name), log=self.log(name))
            for name in self.names
        )


def process_state(supervisor: Supervisor, name: str, *, kind: Kind, url: str, log: Path) -> ProcessState:
    """Return how a supervised process is now; one that was not started yet is down."""
    kept = supervisor.get(name)
    return ProcessState(
        name=name,
        kind=kind,
        url=url,
        log=str(log),
        pid=kept.pid if kept else None,
        restarts=max(0, kept.starts - 1) if kept else 0,
    )

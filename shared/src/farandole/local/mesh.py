"""The embedded mesh: broker, Redis and every service, started, watched and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from farandole.errors import LocalMeshError
from farandole.local import aot_training, health, home, interrupts, kept_ports, ports, processes, state
from farandole.local.broker import Broker
from farandole.local.child import Command, tail
from farandole.local.notice import Change, Notice, Tell, untold
from farandole.local.progress import Report, unheard
from farandole.local.redis import Redis
from farandole.local.restart import RestartPolicy
from farandole.local.services import ServiceProcess, Surroundings, in_order
from farandole.local.state import Kind, MeshState, ProcessState
from farandole.local.supervisor import Supervisor

Provision = Callable[[str], Awaitable[None]]
BROKER = "kafka"
REDIS = "redis"
_DRAIN = timedelta(seconds=20)
_STEP_ASIDE = timedelta(seconds=1.5)
_FORMER_ENDS_WITHIN = timedelta(seconds=15)


async def nothing_to_provision(_: str) -> None:
    """Provision nothing."""


class LocalMesh:
    """One mesh under ``home``. Use it as an async context manager, in the main thread of a process of its own.

    Start order: Redis and the broker's JVM at once; while that boots, the services import, those of the highest
    priority first; then ``provision`` makes the topics and the services run. Stop order: the services drain, then
    broker and Redis. A process that ends is started again, with backoff. Belongs to one event loop; not thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        *,
        services: Sequence[ServiceProcess],
        provision: Provision = nothing_to_provision,
        while_booting: Callable[[], object] | None = None,
        fresh: bool = False,
        tell: Tell = untold,
        report: Report = unheard,
        env: Mapping[str, str] | None = None,
        policy: RestartPolicy | None = None,
        make_aot_cache: bool = True,
    ) -> None:
        """Plan a mesh; nothing runs yet.

        Args:
            folder: The home: data, logs, ``mesh.json``.
            services: What runs beside broker and Redis.
            provision: Called with the broker's address once it answers, before any service runs: creates the topics.
            while_booting: Called in a thread while the broker boots: what ``provision`` needs and can be had without
                one, such as imports. What it returns is dropped; what it raises fails the start.
            fresh: Delete what an earlier mesh left in the home, first.
            tell: Hears what happens to the processes.
            report: Hears how far a download is.
            env: The environment of the services, instead of this process's own.
            policy: When a process that ended is started again.
            make_aot_cache: Make the broker's AOT cache in the background, once for this machine.
        """
        self.home = folder.absolute()
        self._services = in_order(services)
        self._provision = provision
        self._while_booting = while_booting
        self._fresh = fresh
        self._tell = tell
        self._report = report
        self._env = dict(os.environ if env is None else env)
        self._policy = policy
        self._make_aot_cache = make_aot_cache
        self._holding = contextlib.ExitStack()
        self._background: set[asyncio.Task[None]] = set()
        self._since = datetime.now(UTC)
        self._up = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything and return when every service's process runs; ``ready`` waits until they are ready.

        Raises:
            LocalMeshError: The home is held by another mesh or is none, or broker or Redis do not come up. What had
                started is stopped.
        """
        home.refuse_foreign(self.home)
        self._holding.enter_context(home.held(self.home))
        try:
            await self._start()
        except BaseException:
            await self.stop(force=True)
            raise

    async def _start(self) -> None:
        await self._former_mesh_gone()
        if self._fresh:
            await asyncio.to_thread(home.clear, self.home)
        for folder in ("stores", "logs"):
            (self.home / folder).mkdir(exist_ok=True)
        self._gate.unlink(missing_ok=True)
        self._supervisor = Supervisor(policy=self._policy, tell=self._heard)
        self._broker = Broker(self.home / BROKER, report=self._report)
        self._redis = Redis(self.home / REDIS)
        # From here on a process may start and be told of: everything that `state` reads is known first.
        broker, redis = await self._broker.prepare(), self._redis.prepare()
        self._surroundings = self._surround()
        self._up = True
        self._supervisor.run(BROKER, broker)
        self._supervisor.run(REDIS, redis)
        imports = asyncio.create_task(self._run_services())
        try:
            await asyncio.gather(
                self._answering(BROKER, self._broker), self._answering(REDIS, self._redis), self._meanwhile()
            )
            await self._provision(self.bootstrap)
        except BaseException:
            imports.cancel()
            raise
        self._gate.touch()
        await imports

    async def _meanwhile(self) -> None:
        if self._while_booting is not None:
            await asyncio.to_thread(self._while_booting)

    def _surround(self) -> Surroundings:
        names = [service.name for service in self._services]
        return Surroundings(
            home=self.home,
            bootstrap=self._broker.bootstrap,
            redis_url=self._redis.url,
            cluster_id=self._broker.cluster_id,
            webhook_secret=home.webhook_secret(self.home),
            http_ports=kept_ports.choose(self.home / "ports.json", names) if names else {},
        )

    @property
    def _gate(self) -> Path:
        return self.home / "provisioned"

    async def _former_mesh_gone(self) -> None:
        """Wait for what a killed mesh left: its guard is still ending those processes."""
        former = state.read(self.home)
        if former is None:
            return
        left = await processes.gone(
            (process.pid for process in former.processes if process.pid is not None), within=_FORMER_ENDS_WITHIN
        )
        if left:
            self._tell(Notice(name="mesh", change=Change.WAITING, detail=f"earlier processes still run: {left}"))
        state.erase(self.home)

    async def _answering(self, name: str, server: Broker | Redis) -> None:
        await server.answering()
        self._tell(
            Notice(
                name=name, change=Change.READY, detail=server.bootstrap if isinstance(server, Broker) else server.url
            )
        )

    async def _run_services(self) -> None:
        """Start the services in their order, a few at a time: a dozen importing at once on two cores are all late."""
        booting = asyncio.Semaphore((os.cpu_count() or 1) + 1)
        for service in self._services:
            await booting.acquire()
            self._supervisor.run(service.name, self._command(service))
            self._spawn(self._step_aside(service, booting))

    async def _step_aside(self, service: ServiceProcess, booting: asyncio.Semaphore) -> None:
        deadline = time.monotonic() + _STEP_ASIDE.total_seconds()
        await ports.until_listening(self._surroundings.http_ports[service.name], deadline=deadline)
        booting.release()

    def _command(self, service: ServiceProcess) -> Command:
        return Command(
            argv=service.argv(self._gate),
            env=self._surroundings.environment(service, self._env),
            cwd=self.home,
            log=self._log(service.name),
        )

    def _log(self, service: str) -> Path:
        return self.home / "logs" / f"{service}.log"

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _heard(self, notice: Notice) -> None:
        if self._up:
            state.write(self.home, self.state())
        self._tell(notice)

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self._surroundings.bootstrap

    @property
    def redis_url(self) -> str:
        """The address of Redis."""
        return self._surroundings.redis_url

    @property
    def cluster_id(self) -> str:
        """Kafka's cluster id."""
        return self._surroundings.cluster_id

    def url(self, service: str) -> str:
        """Return the address of a service's HTTP side."""
        return self._surroundings.url(service)

    def state(self) -> MeshState:
        """Return the mesh as it is now; the same is in ``mesh.json``."""
        servers = (
            self._process(BROKER, "broker", self.bootstrap, self._broker.log),
            self._process(REDIS, "redis", self.redis_url, self._redis.log),
        )
        services = (
            self._process(each.name, "service", self.url(each.name), self._log(each.name)) for each in self._services
        )
        return MeshState(
            pid=os.getpid(),
            home=str(self.home),
            since=self._since,
            bootstrap=self.bootstrap,
            redis_url=self.redis_url,
            cluster_id=self.cluster_id,
            processes=(*servers, *services),
        )

    def _process(self, name: str, kind: Kind, url: str, log: Path) -> ProcessState:
        kept = self._supervisor.get(name)
        return ProcessState(
            name=name,
            kind=kind,
            url=url,
            log=str(log),
            pid=kept.pid if kept else None,
            restarts=max(0, kept.starts - 1) if kept else 0,
        )

    async def ready(self, *, within: timedelta = timedelta(seconds=60)) -> None:
        """Wait until every service says that it is ready, each told of as it does.

        Raises:
            LocalMeshError: Some are not in time; they are named, with the end of the first one's log.
        """
        deadline = time.monotonic() + within.total_seconds()
        names = [service.name for service in self._services]
        late = [
            name
            for name, said in zip(names, await asyncio.gather(*(self._ready(n, deadline) for n in names)), strict=True)
            if not said
        ]
        if late:
            raise LocalMeshError(
                f"{', '.join(late)} not ready within {within.total_seconds():g} s",
                why=f"the end of {self._log(late[0])}:\n{tail(self._log(late[0]))}",
                do="farandole doctor",
                code="E414",
            )
        if self._make_aot_cache:
            self._spawn(self._aot_cache())

    async def _aot_cache(self) -> None:
        await aot_training.make()

    async def _ready(self, name: str, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if await health.ready(self._surroundings.http_ports[name]):
                self._tell(Notice(name=name, change=Change.READY, detail=self.url(name)))
                return True
            await asyncio.sleep(0.1)
        return False

    async def until_interrupted(self) -> None:
        """Run until SIGINT or SIGTERM, then drain and stop; a second signal ends everything at once."""
        with interrupts.listening() as heard:
            await heard.asked.wait()
            await self.drain(heard)

    async def drain(self, heard: interrupts.Interrupts) -> None:
        """Stop in order, or at once as soon as somebody insists."""
        stopping = asyncio.create_task(self.stop())
        insisting = asyncio.create_task(heard.insisted.wait())
        await asyncio.wait({stopping, insisting}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await self.stop(force=True)
        insisting.cancel()
        await stopping

    async def stop(self, *, force: bool = False) -> None:
        """Stop everything; stopping twice does nothing more.

        Args:
            force: End everything at once instead of letting the services drain.
        """
        for task in tuple(self._background):
            task.cancel()
        if self._up:
            await self._stop_processes(force=force)
            state.erase(self.home)
        self._holding.close()

    async def _stop_processes(self, *, force: bool) -> None:
        if force:
            await self._supervisor.kill()
        await self._supervisor.stop((service.name for service in self._services), grace=_DRAIN)
        await self._supervisor.stop((BROKER, REDIS))
        self._up = False

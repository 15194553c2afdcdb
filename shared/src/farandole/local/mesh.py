"""The embedded mesh: broker, Redis and every service, started, watched and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from farandole.duration import Duration
from farandole.errors import LocalMeshError
from farandole.local import aot_training, home, interrupts, kept_ports, processes, state
from farandole.local.broker import Broker
from farandole.local.fleet import Fleet, process_state
from farandole.local.notice import Change, Notice, Tell, untold
from farandole.local.progress import Report, unheard
from farandole.local.redis import Redis
from farandole.local.restart import RestartPolicy
from farandole.local.services import ServiceProcess, Surroundings, in_order
from farandole.local.state import MeshState
from farandole.local.supervisor import Supervisor
from farandole.settings import Settings

Provision = Callable[[str], Awaitable[None]]
BROKER = "kafka"
REDIS = "redis"
_AFTER_THE_DRAIN = timedelta(seconds=20)
"""What a service gets beside its own FARANDOLE_DRAIN before it is ended: it bounds itself a little closer."""
READY_WITHIN = timedelta(seconds=60)
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
        kafka_proxy: int | None = None,
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
            kafka_proxy: The port of a proxy on the loopback that forwards to ``kafka_proxied_port``: services whose
                ``env`` names it as their brokers come through it, and stay behind it.
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
        self._kafka_proxy = kafka_proxy
        self._make_aot_cache = make_aot_cache
        self._holding = contextlib.ExitStack()
        self._background: set[asyncio.Task[object]] = set()
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
                started is stopped; in order, where the start is cancelled.
        """
        home.refuse_foreign(self.home)
        self._holding.enter_context(home.held(self.home))
        try:
            await self._start()
        except asyncio.CancelledError:
            await self.stop()
            raise
        except BaseException:
            await self.stop(force=True)
            raise

    async def start_unless(self, heard: interrupts.Interrupts) -> None:
        """Start everything; once somebody asks to stop, end what has started in order, or at once if he insists.

        Raises:
            Interrupted: Somebody asked.
            LocalMeshError: As by ``start``.
        """
        try:
            await interrupts.unless_interrupted(self.start(), heard)
        except interrupts.Interrupted:
            await self.drain(heard)
            raise

    async def _start(self) -> None:
        await self._former_mesh_gone()
        if self._fresh:
            await asyncio.to_thread(home.clear, self.home)
        for folder in ("stores", "logs"):
            (self.home / folder).mkdir(exist_ok=True)
        self._broker = Broker(self.home / BROKER, proxy=self._kafka_proxy, report=self._report)
        self._redis = Redis(self.home / REDIS)
        broker, redis = await self._broker.prepare(), self._redis.prepare()
        self._supervisor = Supervisor(policy=self._policy, tell=self._heard)
        self._surroundings = self._surround()
        self._fleet = Fleet(
            self._services,
            surroundings=self._surroundings,
            supervisor=self._supervisor,
            env=self._env,
            tell=self._tell,
        )
        self._fleet.gate.unlink(missing_ok=True)
        self._up = True
        self._supervisor.run(BROKER, broker)
        self._supervisor.run(REDIS, redis)
        await self._boot()

    async def _boot(self) -> None:
        """Let the services import while the broker boots, and run once the topics are there."""
        imports = asyncio.create_task(self._fleet.run())
        try:
            await asyncio.gather(self._answering(BROKER), self._answering(REDIS), self._meanwhile())
            await self._provision(self.bootstrap)
        except BaseException:
            imports.cancel()
            raise
        self._fleet.gate.touch()
        await imports

    async def _meanwhile(self) -> None:
        if self._while_booting is not None:
            await asyncio.to_thread(self._while_booting)

    async def _answering(self, name: str) -> None:
        await (self._broker if name == BROKER else self._redis).answering()
        self._tell(Notice(name=name, change=Change.READY, detail=self.state().url(name)))

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

    async def _former_mesh_gone(self) -> None:
        """Wait for what a killed mesh left: its guard is still ending those processes."""
        former = state.read(self.home)
        if former is None:
            return
        pids = (process.pid for process in former.processes if process.pid is not None)
        left = await processes.gone(pids, within=_FORMER_ENDS_WITHIN)
        if left:
            self._tell(Notice(name="mesh", change=Change.WAITING, detail=f"earlier processes still run: {left}"))
        state.erase(self.home)

    def _heard(self, notice: Notice) -> None:
        if self._up:
            state.write(self.home, self.state())
            kept = self._supervisor.get(notice.name)
            if notice.change is Change.STARTED and kept is not None and kept.starts > 1:
                self._spawn(self._ready_again(notice.name))
        self._tell(notice)

    async def _ready_again(self, name: str) -> None:
        """Tell when a process that was started again answers; if it does not, its next end will be told."""
        with contextlib.suppress(LocalMeshError):
            if name in {BROKER, REDIS}:
                await self._answering(name)
            else:
                await self._fleet.ready_by(name, time.monotonic() + READY_WITHIN.total_seconds())

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self._surroundings.bootstrap

    @property
    def kafka_proxied_port(self) -> int:
        """The port that the proxy before Kafka forwards to.

        Raises:
            LocalMeshError: The mesh was planned without ``kafka_proxy``, or has not begun to start.
        """
        return self._broker.proxied_port

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
        kept = self._supervisor
        return MeshState(
            pid=os.getpid(),
            home=str(self.home),
            since=self._since,
            bootstrap=self.bootstrap,
            redis_url=self.redis_url,
            cluster_id=self.cluster_id,
            processes=(
                process_state(kept, BROKER, kind="broker", url=self.bootstrap, log=self._broker.log),
                process_state(kept, REDIS, kind="redis", url=self.redis_url, log=self._redis.log),
                *self._fleet.states(),
            ),
        )

    async def ready(self, *, within: timedelta = READY_WITHIN) -> None:
        """Wait until every service says that it is ready, each told of as it does.

        Raises:
            LocalMeshError: Some are not in time; they are named, with the end of the first one's log.
        """
        await self._fleet.ready(within=within)
        if self._make_aot_cache:
            self._spawn(aot_training.make())

    async def drain(self, heard: interrupts.Interrupts) -> None:
        """Stop in order, or at once as soon as somebody insists."""
        stopping = asyncio.create_task(self.stop())
        insisting = asyncio.create_task(heard.insisted.wait())
        await asyncio.wait({stopping, insisting}, return_when=asyncio.FIRST_COMPLETED)
        if self._up and not stopping.done():
            await self._supervisor.kill()
        insisting.cancel()
        await stopping

    def _grace(self) -> timedelta:
        told = self._env.get("FARANDOLE_DRAIN")
        drain = (
            TypeAdapter[timedelta](Duration).validate_python(told) if told else Settings.model_fields["drain"].default
        )
        return drain + _AFTER_THE_DRAIN

    async def stop(self, *, force: bool = False) -> None:
        """Stop everything; stopping twice does nothing more.

        Args:
            force: End everything at once instead of letting the services drain.
        """
        background = tuple(self._background)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        if self._up:
            if force:
                await self._supervisor.kill()
            await self._supervisor.stop(self._fleet.names, grace=self._grace())
            await self._supervisor.stop((BROKER, REDIS))
            self._up = False
            state.erase(self.home)
        self._holding.close()

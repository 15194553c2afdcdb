"""The embedded broker: a real Apache Kafka (KRaft, one node) as a child process."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from farandole.errors import LocalMeshError
from farandole.local import aot, jars, java, kafka_settings, kept_ports, ports
from farandole.local.child import Child, Command, tail
from farandole.local.progress import Report, unheard

T = TypeVar("T")

_POLL_SECONDS = 0.05
# Group ids that end in consecutive letters fall on consecutive partitions of the offsets topic.
_ONE_A_PARTITION = [f"farandole.wake.{letter}" for letter in "abcdefgh"[: kafka_settings.OFFSETS_PARTITIONS]]
START_WITHIN = timedelta(seconds=60)
STOP_WITHIN = timedelta(seconds=15)


class Broker:
    """One Kafka broker under ``home``: its data, settings and log. Listens on the loopback only.

    A stop, a ``kill`` and a new ``Broker`` on the same ``home`` keep the data, the cluster id and, where it is still
    free, the port. Not thread-safe; one at a time on a ``home`` (Kafka locks its data folder).
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        proxy: int | None = None,
        heap: str = kafka_settings.HEAP,
        report: Report = unheard,
        record: Path | None = None,
    ) -> None:
        """Plan a broker; nothing runs yet.

        Args:
            home: Where everything of it lies.
            port: The client listener's port; None keeps the last one or picks a free one.
            proxy: The port of a proxy on the loopback: clients that come through it to ``proxied_port`` are told to
                come back through it. Other clients are not touched.
            heap: The JVM's largest heap, as ``-Xmx`` writes it.
            report: Hears how far the first download of the jars is.
            record: Write an AOT cache to this file at the end (``aot_training``) instead of using the machine's.
        """
        self.home = home.absolute()
        self._record = record
        self._wanted = port
        self._proxy = proxy
        self._proxied: int | None = None
        self._heap = heap
        self._report = report
        self._port: int | None = None
        self._cluster: str | None = None
        self._child: Child | None = None

    @property
    def log(self) -> Path:
        """The file that holds the broker's output."""
        return self.home / "broker.log"

    @property
    def port(self) -> int:
        """The client listener's port, known once prepared."""
        return _known(self._port)

    @property
    def proxied_port(self) -> int:
        """The port that the proxy forwards to, known once prepared.

        Raises:
            LocalMeshError: It was not prepared, or planned without a proxy.
        """
        return _known(self._proxied)

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``127.0.0.1:PORT``."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def cluster_id(self) -> str:
        """Kafka's cluster id, made once for a ``home``."""
        return _known(self._cluster)

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        return _known(self._child).pid

    @property
    def running(self) -> bool:
        """Whether ``start`` started a process that has not ended."""
        return self._child is not None and self._child.running

    async def prepare(self) -> Command:
        """Find jars and Java, choose ports, format the data folder; return the command that runs the broker.

        ``start`` does this itself; a supervisor that runs the command calls it instead.

        Raises:
            LocalMeshError: No jars, no Java, or the port is taken.
        """
        return await asyncio.to_thread(self._prepare)

    def _prepare(self) -> Command:
        runtime = java.find()
        folder = jars.resolve(report=self._report)
        data = self.home / "data"
        self._cluster = kafka_settings.format_data(data)
        names = ("broker", "controller") if self._proxy is None else ("broker", "controller", "proxied")
        chosen = kept_ports.choose(self.home / "ports.json", names, wanted=self._wanted)
        self._port, self._proxied = chosen["broker"], chosen.get("proxied")
        behind = None if self._proxy is None else (chosen["proxied"], self._proxy)
        kafka_settings.write(
            self.home, port=chosen["broker"], controller_port=chosen["controller"], data=data, proxied=behind
        )
        argv = kafka_settings.jvm(runtime, jars=folder, folder=self.home, heap=self._heap)
        argv = aot.recording(argv, self._record) if self._record else aot.used(argv, runtime)
        return Command(argv=argv, env=kafka_settings.environment(), cwd=self.home, log=self.log)

    async def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises:
            LocalMeshError: It could not be prepared, ended, or does not answer in a minute (the log's end is in it).
        """
        if self.running:
            return
        self._child = Child(await self.prepare())
        await self.answering(child=self._child)

    async def answering(self, *, within: timedelta = START_WITHIN, child: Child | None = None) -> None:
        """Wait until the broker answers as a cluster of one.

        Raises:
            LocalMeshError: ``child`` ended, or the time is over.
        """
        deadline = time.monotonic() + within.total_seconds()
        while time.monotonic() < deadline:
            if child is not None and not child.running:
                raise self._failed(f"ended with exit code {await child.wait()}")
            soon = min(deadline, time.monotonic() + 1)
            if await ports.until_listening(self.port, deadline=soon) and await asyncio.to_thread(
                answers, self.bootstrap
            ):
                return
        raise self._failed(f"did not answer within {within.total_seconds():g} s")

    def _failed(self, how: str) -> LocalMeshError:
        return LocalMeshError(
            f"the embedded Kafka {how}", why=tail(self.log) or "its log is empty", do=f"see {self.log}", code="E406"
        )

    async def stop(self, *, within: timedelta = STOP_WITHIN) -> None:
        """Let the broker shut down in order; end it after ``within``."""
        if self._child is not None:
            await self._child.stop(within)

    async def kill(self) -> None:
        """End the broker at once, as a crash would (SIGKILL). ``start`` brings it back on the same port."""
        if self._child is not None:
            await self._child.kill()


def answers(bootstrap: str, within: timedelta = timedelta(seconds=1)) -> bool:
    """Ask for the cluster's metadata; tell whether at least one broker is in it. Blocks for ``within`` at most."""
    try:
        return bool(AdminClient(_quiet(bootstrap)).list_topics(timeout=within.total_seconds()).brokers)
    except KafkaException:
        return False


def wake_groups(bootstrap: str, within: timedelta = timedelta(seconds=3)) -> bool:
    """Make the broker set up its group coordinators now, and tell whether it did. Blocks for ``within`` at most.

    They come into being when first asked for, and whoever asks first is turned away for one to three seconds: a
    consumer of a fresh mesh would join that much later.
    """
    admin = AdminClient(_quiet(bootstrap))
    deadline = time.monotonic() + within.total_seconds()
    while (left := deadline - time.monotonic()) > 0:
        # Deleting groups that are not there changes nothing, and is answered only by coordinators that are at work.
        asked = admin.delete_consumer_groups(_ONE_A_PARTITION, request_timeout=left)
        if all(_says_no_such_group(each) for each in asked.values()):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _says_no_such_group(asked: Future[None]) -> bool:
    try:
        asked.result()
    except KafkaException as failure:
        return bool(failure.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND)
    return True


def _quiet(bootstrap: str) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}


def _known(value: T | None) -> T:
    if value is None:
        raise LocalMeshError("the embedded Kafka was not started", do="await broker.start() first", code="E406")
    return value

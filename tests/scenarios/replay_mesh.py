"""A mesh for the scenarios of a replay: two services as processes, events to feed them, and the command line."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from farandole.cli import main
from farandole.codec import Codec
from farandole.delivery import Record
from farandole.engine.ports import Message
from farandole.engine.runtime import private_topics_of
from farandole.envelope import Envelope
from farandole.event import Event
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.schema import Catalogue
from farandole.testing.backend import Backend
from replayed_service import DOWNSTREAM, REPLAYED, Bought, Counted, Unheard, downstream, replayed

PARTITIONS = 2
WITHIN = 90.0
HERE = Path(__file__).parent
FARANDOLE = str(Path(sys.executable).parent / "farandole")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        assert self.out.count("\n") == 1, f"not one line: {self.out!r}\n{self.err}"
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Appended:
    """An event's id, and when the broker took it."""

    id: str
    at: datetime


class ReplayMesh:
    """A broker, a Redis, two services with a SQLite file each, and the command line as an operator has it."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._connection = Connection(bootstrap=backend.bootstrap, client_id="scenario")
        self._log = LogReader(self._connection)
        self._publisher: KafkaPublisher | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "FARANDOLE_BROKERS": backend.bootstrap,
            "FARANDOLE_REDIS_URL": backend.redis_url,
            "FARANDOLE_CLUSTER": backend.cluster_id,
            "FARANDOLE_HOME": str(folder / "no-mesh-here"),
            "FARANDOLE_DATABASE_URL_REPLAY_SCENARIO": self._database(REPLAYED),
            "FARANDOLE_DATABASE_URL_REPLAY_DOWNSTREAM": self._database(DOWNSTREAM),
            "FARANDOLE_HTTP_PORT": "0",
            "GATEWAY_BOOKS": str(folder / "gateway.txt"),
            "PYTHONPATH": os.pathsep.join([str(folder / "installed"), str(HERE)]),
            "COLUMNS": "200",
        }

    async def begin(self, *services: str) -> None:
        self._install()
        topics = [domain_topic(name, partitions=PARTITIONS) for name in ("replay-counted", "replay-noted")]
        own = [
            one
            for service in (replayed, downstream)
            for one in private_topics(private_topics_of(service), partitions=1)
        ]
        await create(self._connection, [*topics, *own])
        for name in services:
            self.start(name)

    def start(self, name: str) -> None:
        environment = {**self.environment, "FARANDOLE_DATABASE_URL": self._database(name)}
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, HERE / "replayed_service.py", name], env=environment, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait(10)

    def stop(self, name: str) -> None:
        self._processes[name].terminate()
        assert self._processes[name].wait(30) == 0

    async def send(self, events: Sequence[Event]) -> None:
        codec = Codec(Catalogue([Counted.avro, Bought.avro, Unheard.avro]))
        if self._publisher is None:
            self._publisher = KafkaPublisher(self._connection)
        await self._publisher.publish([_message(codec, event) for event in events])

    def skip_everything(self) -> None:
        """Move the service's committed offsets to the end, as an operator does who is in a hurry."""
        log = self._log
        live = [one for one in log.partitions() if one.topic == "replay-counted"]
        consumer = Consumer(
            {"bootstrap.servers": self._backend.bootstrap, "group.id": REPLAYED, "enable.auto.commit": False}
        )
        offsets = [TopicPartition(one.topic, one.number, end) for one, end in log.ends(live).items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()

    async def says(self, *words: str) -> Said:
        """Run a command in this process: a second of processor time is saved each time."""
        return await asyncio.to_thread(self._says, *words)

    def _says(self, *words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.MonkeyPatch.context() as changed,
        ):
            changed.setattr(sys, "argv", ["farandole", *words])
            changed.syspath_prepend(str(self._folder / "installed"))
            for name, value in self.environment.items():
                changed.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        return Said(code=code if isinstance(code, int) else 0, out=out.getvalue(), err=err.getvalue())

    def begins_to_say(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command, to be killed or waited for."""
        return subprocess.Popen(
            [FARANDOLE, *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def runs(self, name: str = REPLAYED) -> dict[str, int]:
        """How often each handler of a service has run, by the service's own table."""
        path = self._folder / f"{name}.db"
        if not path.exists():
            return {}
        with sqlite3.connect(path) as database:
            try:
                return dict(database.execute("select handler, count(*) from runs group by handler"))
            except sqlite3.OperationalError:
                return {}  # it has not made its tables yet

    def charges(self) -> int:
        books = self._folder / "gateway.txt"
        return len(books.read_text().splitlines()) if books.exists() else 0

    def records(self, topic: str) -> list[dict[str, str]]:
        """The headers of everything on a topic."""
        return [{name: value.decode() for name, value in one.headers} for one in self._read(topic)]

    def appended(self, topic: str) -> list[Appended]:
        """The id of everything on a topic, and when the broker took it."""
        return [Appended(id=dict(one.headers)["ce_id"].decode(), at=one.appended) for one in self._read(topic)]

    def _read(self, topic: str) -> list[Record]:
        mine = [one for one in self._log.partitions() if one.topic == topic]
        starts, ends = self._log.starts(mine), self._log.ends(mine)
        spans = {one: Span(start=starts[one], end=ends[one]) for one in mine}
        return [record for batch in self._log.records(spans) for record in batch]

    def written(self, topic: str) -> int:
        """How many records were ever written to a topic."""
        return sum(self._log.ends([one for one in self._log.partitions() if one.topic == topic]).values())

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN
        while not await asyncio.to_thread(condition):
            assert time.monotonic() < deadline, f"{what}, but it does not: {self.runs()} {self.runs(DOWNSTREAM)}"
            assert all(one.poll() in (None, -signal.SIGKILL, 0) for one in self._processes.values()), what
            await asyncio.sleep(0.2)

    async def until_still(self, count: Callable[[], int]) -> None:
        """Wait until a count has stayed the same for a second."""
        seen, since = await asyncio.to_thread(count), time.monotonic()
        deadline = since + WITHIN
        while time.monotonic() - since < 1:
            assert time.monotonic() < deadline, f"it never stays: {seen}"
            await asyncio.sleep(0.1)
            now = await asyncio.to_thread(count)
            if now != seen:
                seen, since = now, time.monotonic()

    async def end(self) -> None:
        if self._publisher is not None:
            await self._publisher.close()
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
                process.wait(10)

    def _database(self, name: str) -> str:
        return f"sqlite:///{self._folder / f'{name}.db'}"

    def _install(self) -> None:
        """Have the command line find the services, as their own packages would have it."""
        folder = self._folder / "installed" / "replay_scenario-1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: replay-scenario\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(
            f"[farandole.services]\n{REPLAYED} = replayed_service:replayed\n"
            f"{DOWNSTREAM} = replayed_service:downstream\n"
        )


def counted(first: int, count: int) -> list[Counted]:
    return [Counted(thing=f"thing-{number % 20}", number=number) for number in range(first, first + count)]


def bought(first: int, count: int) -> list[Bought]:
    return [Bought(thing=f"thing-{number % 20}", number=number) for number in range(first, first + count)]


def unheard(first: int, count: int) -> list[Unheard]:
    return [Unheard(thing=f"thing-{number % 20}", number=number) for number in range(first, first + count)]


def _message(codec: Codec, event: Event) -> Message:
    event_id = f"{event.avro.name}-{event.number}"
    envelope = Envelope(
        id=event_id,
        type=event.avro.fullname,
        source="scenario",
        subject=event.key,
        time="2026-01-01T00:00:00Z",
        correlation_id=event_id,
    )
    value = codec.encode(event)
    return Message(topic=event.avro.topic, key=event.key.encode(), value=value, headers=envelope.headers())

"""Group: members of one consumer group, to be stopped, killed and frozen, and the topic that they read."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from confluent_kafka import Consumer, Producer, TopicPartition
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from group_member import GroupMember

SESSION = 2.0
WITHIN = 60.0


class Told:
    """What a member told, and a wait for more."""

    def __init__(self) -> None:
        self.told: list[list[Any]] = []
        self._news = asyncio.Event()

    def hear(self, *told: Any) -> None:
        """Take one more thing."""
        self.told.append(list(told))
        self._news.set()

    @property
    def held(self) -> int:
        """How many partitions it says that it holds."""
        return next((int(one[1]) for one in reversed(self.told) if one[0] == "held"), 0)

    @property
    def got(self) -> list[tuple[int, int]]:
        """The partition and offset of everything that it got, in order."""
        return [(one[1], one[2]) for one in self.told if one[0] == "got"]

    def count(self, what: str) -> int:
        """Return how often it told of something."""
        return sum(one[0] == what for one in self.told)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the member tells."""
        async with asyncio.timeout(WITHIN):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def status(self) -> dict[str, Any]:
        """Return what its source's status is."""
        await self.ask("status")
        return dict([one[1] for one in self.told if one[0] == "status"][-1])

    async def ask(self, *command: Any) -> None:
        """Give a command and wait until it is obeyed."""
        obeyed = self.count("obeyed")
        await self._give(*command)
        await self.until(lambda: self.count("obeyed") > obeyed)

    async def _give(self, *command: Any) -> None:
        raise NotImplementedError


class Neighbour(Told):
    """A member in the test's own process: quick to start, and only to be asked to leave."""

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__()
        self._member = GroupMember(asked, self.hear)
        self._running = asyncio.create_task(self._member.run())

    async def _give(self, *command: Any) -> None:
        self._member.obey(*command)

    @property
    def partitions(self) -> list[int]:
        """Which partitions it holds now."""
        return sorted(one.partition.number for one in self._member.source._assignments)

    async def until_paused(self) -> None:
        """Wait until the thread has done what was asked of it about pauses."""
        async with asyncio.timeout(WITHIN):
            while self._member.source._pauses._changed:  # noqa: ASYNC110 - a thread's
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        """Let it leave its group."""
        self._member.stopping.set()
        await self._running


class Stranger(Told):
    """A member in a process of its own, to be killed and frozen."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._process = process
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.hear(*json.loads(line))

    async def _give(self, *command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()

    def freeze(self) -> None:
        """Stop it as it stands."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it at once."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listening


class Group:
    """A group on a topic of its own. Use it as an async context manager."""

    def __init__(self, bootstrap: str, *, partitions: int = 2) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self.topic = f"group-{uuid.uuid4().hex[:8]}"
        self._neighbours: list[Neighbour] = []
        self._strangers: list[Stranger] = []

    async def __aenter__(self) -> Self:
        connection = Connection(bootstrap=self._bootstrap, client_id="test")
        await create(connection, [domain_topic(self.topic, partitions=self._partitions)])
        return self

    def commit(self, *offsets: int) -> None:
        """Set the group's offsets, as an operator may while nobody is in it."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": self.topic})
        named = [TopicPartition(self.topic, number, offset) for number, offset in enumerate(offsets)]
        consumer.commit(offsets=named, asynchronous=False)
        consumer.close()

    async def __aexit__(self, *_: object) -> None:
        for stranger in self._strangers:
            await stranger.kill()
        for neighbour in self._neighbours:
            await neighbour.leave()

    def join(self, *, instance: str = "", session: float = SESSION) -> Neighbour:
        """Start a member in this process."""
        self._neighbours.append(Neighbour(self._asked(instance, session)))
        return self._neighbours[-1]

    async def join_from_afar(self, *, instance: str = "", session: float = SESSION) -> Stranger:
        """Start a member in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("group_member.py")),
            json.dumps(self._asked(instance, session)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._strangers.append(Stranger(process))
        return self._strangers[-1]

    def _asked(self, instance: str, session: float) -> dict[str, Any]:
        return {
            "bootstrap": self._bootstrap,
            "group": self.topic,
            "topic": self.topic,
            "instance": instance,
            "session": session,
        }

    def send(self, *partitions: int) -> None:
        """Publish a record to each of these partitions."""
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for partition in partitions:
            producer.produce(self.topic, b"v", partition=partition)
        assert producer.flush(10) == 0

    def committed(self) -> list[int]:
        """Return the group's offset of each partition; -1001 where there is none."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": self.topic})
        try:
            asked = [TopicPartition(self.topic, number) for number in range(self._partitions)]
            return [one.offset for one in consumer.committed(asked, timeout=10)]
        finally:
            consumer.close()

    async def until_committed(self, offsets: list[int]) -> None:
        """Wait until the group's offsets are these."""
        async with asyncio.timeout(WITHIN):
            while await asyncio.to_thread(self.committed) != offsets:  # noqa: ASYNC110 - a broker's
                await asyncio.sleep(0.05)

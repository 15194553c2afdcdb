"""A member of a group, in the test's process or as one of its own: ``python group_member.py '{"bootstrap": …}'``.

It tells a JSON array for whatever happens, and obeys JSON arrays: ``["finish"]`` all that it has got, ``["always"]``
finish what comes, too; ``["pause", partition]``, ``["resume", partition]``, ``["status"]``. As a process it does so on
its standard input and output, and SIGTERM makes it leave its group.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from farandole.delivery import Record
from farandole.engine.ports import Partition
from farandole.kafka.connection import Connection
from farandole.kafka.source import KafkaSource
from farandole.metrics import Metrics


class GroupMember:
    """Fetches, tells, obeys, and finishes nothing unasked."""

    def __init__(self, asked: dict[str, Any], tell: Callable[..., None]) -> None:
        self._topic = asked["topic"]
        self._tell = tell
        self.source = KafkaSource(
            Connection(bootstrap=asked["bootstrap"], client_id="test"),
            group=asked["group"],
            topics=[self._topic],
            metrics=Metrics("test"),
            instance=asked["instance"],
            session=timedelta(seconds=asked["session"]),
        )
        self._unfinished: list[Record] = []
        self._finishes = False
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        await self.source.start(lambda number: self._tell("ended", number))
        held = -1
        while not self.stopping.is_set():
            for record in await self.source.fetch():
                self._tell("got", record.coordinates.partition, record.coordinates.offset)
                self._unfinished.append(record)
            if self._finishes:
                self._finish()
            if self.source.status["partitions"] != held:
                held = self.source.status["partitions"]
                self._tell("held", held)
        await self.source.close()

    def obey(self, command: str, number: int = 0) -> None:
        partition = Partition(topic=self._topic, number=number)
        match command:
            case "finish":
                self._finish()
            case "always":
                self._finishes = True
                self._finish()
            case "pause":
                self.source.pause(partition)
            case "resume":
                self.source.resume(partition)
            case "status":
                self._tell("status", self.source.status)
        self._tell("obeyed", command)

    def _finish(self) -> None:
        for record in self._unfinished:
            self.source.finish(record)
        self._unfinished.clear()


async def main(asked: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    member = GroupMember(asked, lambda *told: print(json.dumps(told), flush=True))

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(member.obey, *json.loads(line))

    threading.Thread(target=listen, daemon=True).start()
    loop.add_signal_handler(signal.SIGTERM, member.stopping.set)
    await member.run()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(json.loads(sys.argv[1])))

"""The index is built again from history by the command, beside the console as it runs; both are killed in the middle.

Events go on happening, and the console is asked for how many it knows without a pause. While it is up it must answer
every time, never with less than before, and in the end with all that the topics hold.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole.generations.distance import Logs
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic
from farandole.local import ports

LONG = pytest.mark.skipif(os.environ.get("FARANDOLE_LONG") != "1", reason="half a minute; FARANDOLE_LONG=1 runs it")
HISTORY = 6_000


class Console:
    """The console as a process, killed and started again on the same port."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        (port,) = ports.free()
        self._env = {**env, "FARANDOLE_HTTP_PORT": str(port)}
        self._log = log
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}")
        self.is_up = False

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "farandole_console", env=self._env, stdout=self._log.open("ab"), stderr=2
        )
        await self.until(lambda status: status["generation"] is not None)
        self.is_up = True

    async def kill(self, number: int = signal.SIGKILL) -> None:
        self.is_up = False
        self.process.send_signal(number)
        await self.process.wait()

    async def until(self, reached, *, within: float = 60) -> None:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                if reached((await self.http.get("/status")).json()):
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError("not in time")


class Asking:
    """Asks again and again how many events the one flow has."""

    def __init__(self, console: Console) -> None:
        self.numbers: list[int] = []
        self.refused: list[Any] = []
        self._console = console
        self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while True:
            was_up = self._console.is_up
            try:
                answer = await self._console.http.get("/api/flows", params={"key": "order-1", "limit": 1})
                answer.raise_for_status()
                flows = answer.json()["flows"]
                self.numbers.append(flows[0]["events"] if flows else 0)
            except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
                if was_up and self._console.is_up:
                    self.refused.append(error)
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        assert self._task.cancelled(), self._task.exception()
        assert not self.refused, self.refused[:3]
        assert self.numbers == sorted(self.numbers), "a number went down"


@asynccontextmanager
async def command(env: dict[str, str], log: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from farandole.cli.main import main; main()", "replay", "rebuild", *words),
        *("--service", "console", "--json"),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=log.open("ab"),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def done(env: dict[str, str], log: Path, *words: str) -> dict[str, Any]:
    async with command(env, log, *words) as process:
        out, _ = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 0, f"see {log}"
        return json.loads(out)


REASON = ("--reason", "a test", "--yes")


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_index_is_rebuilt_under_traffic_and_kills(  # noqa: PLR0915 - one story
    own_backend, tmp_path, told
) -> None:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [domain_topic(name, partitions=2) for name in ("orders", "payments")])
    publisher = KafkaPublisher(connection)
    sent = 0

    async def happen(count: int) -> None:
        nonlocal sent
        numbers = range(sent, sent + count)
        sent += count
        await publisher.publish([told(f"event-{n}", flow="flow-1", subject="order-1") for n in numbers])

    async def go_on() -> None:
        while True:
            await happen(2)
            await asyncio.sleep(0.02)

    database = f"sqlite:///{tmp_path / 'console.db'}"
    env = {
        **os.environ,
        "FARANDOLE_BROKERS": own_backend.bootstrap,
        "FARANDOLE_CLUSTER": own_backend.cluster_id,
        "FARANDOLE_REDIS_URL": own_backend.redis_url,
        "FARANDOLE_HOME": str(tmp_path),
        "FARANDOLE_DATABASE_URL": database,
        "FARANDOLE_DATABASE_URL_CONSOLE": database,
    }
    log = tmp_path / "command.log"
    await happen(1)
    await publisher.publish([told("flow-1", flow="flow-1", subject="order-1")])
    sent += 1
    await happen(HISTORY)
    console = Console(env, tmp_path / "console.log")
    await console.start()

    async def knows(count: int) -> None:
        async with asyncio.timeout(60):
            while asking.numbers[-1:] != [count]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    asking = Asking(console)
    await knows(sent)
    going_on = asyncio.create_task(go_on())
    async with command(env, log, *REASON) as rebuild:
        await _is_under_way(connection)
        rebuild.kill()
        await rebuild.wait()
    assert (await done(env, log, "status"))["building"] == 2
    async with command(env, log, *REASON) as rebuild:
        await console.kill()
        await console.start()
        out, _ = await asyncio.wait_for(rebuild.communicate(), 90)
        assert rebuild.returncode == 0, f"see {log}"
        assert json.loads(out)["generation"] == 2
    await console.until(lambda status: status["generation"] == 2)
    await console.kill()
    await console.start()
    going_on.cancel()
    await asyncio.wait({going_on})
    await knows(sent)
    await done(env, log, "undo", *REASON)
    await console.until(lambda status: status["generation"] == 1)
    await knows(sent)
    assert (await done(env, log, "drop", *REASON))["generations"] == [2]
    assert sorted(one.name for one in tmp_path.glob("console*.db")) == ["console.db"]
    await asking.end()
    await console.kill(signal.SIGTERM)
    await console.http.aclose()
    await publisher.close()


async def _is_under_way(connection: Connection) -> None:
    logs = Logs(connection, ("orders",))
    async with asyncio.timeout(60):
        while not sum((await logs.committed("console.observer.g2")).values()) > 100:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)

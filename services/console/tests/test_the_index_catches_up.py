"""The console is killed while the mesh goes on; when it is back it has all that happened meanwhile, once.

A service joins while it is down: its private topics are found as well.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from farandole.engine.ports import Message
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, outcome_topic, private_topics
from farandole.local import ports
from farandole.outcomes import DeliveryOutcome, OutcomeBatch, encode
from farandole.private_topics import PrivateTopics

HALF = 1_000
WITHIN = 40.0


class Console:
    """The console as a process."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        (port,) = ports.free()
        self._env = {**env, "FARANDOLE_HTTP_PORT": str(port)}
        self._log = log
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "farandole_console", env=self._env, stdout=self._log.open("ab"), stderr=2
        )

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    async def all_of(self, what: str) -> list[dict]:
        found, after = [], 0
        while True:
            answer = (await self.http.get(f"/api/{what}", params={"after": after, "limit": 1000})).json()
            if not answer.get(what):
                return found
            found, after = found + answer[what], answer["next"]

    async def until(self, events: int, happenings: int) -> tuple[list[dict], list[dict]]:
        deadline = time.monotonic() + WITHIN
        seen = Counter[str]()
        while time.monotonic() < deadline:
            try:
                found = await self.all_of("events"), await self.all_of("happenings")
                seen = Counter(events=len(found[0]), happenings=len(found[1]))
                seen.update(f"{one['kind']} of {one['service']}" for one in found[1])
                if seen["events"] >= events and seen["happenings"] >= happenings:
                    return found
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError(f"it has {dict(seen)}, of {events} events and {happenings} happenings; see {self._log}")


def outcome(number: int) -> Message:
    told = DeliveryOutcome(
        kind="dropped",
        source="orders",
        event_id=f"e-{number}",
        flow_id="flow",
        type="OrderPlaced",
        topic="orders",
        partition=0,
        offset=number,
        attempt=0,
    )
    value = encode(OutcomeBatch(service="payments", outcomes=[told]))
    return Message(topic="_farandole.outcomes", key=None, value=value, headers=())


@pytest.mark.mesh
@pytest.mark.timeout(150)
async def test_a_console_that_was_down_has_all_of_it_when_it_is_back(own_backend, tmp_path, told) -> None:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    payments, late = (
        private_topics(PrivateTopics(service=name, tiers=1), partitions=1) for name in ("payments", "late")
    )
    await create(connection, [domain_topic("orders", partitions=2), outcome_topic(), *payments])
    publisher = KafkaPublisher(connection)
    env = {
        **os.environ,
        "FARANDOLE_BROKERS": own_backend.bootstrap,
        "FARANDOLE_CLUSTER": own_backend.cluster_id,
        "FARANDOLE_REDIS_URL": own_backend.redis_url,
        "FARANDOLE_HOME": str(tmp_path),
        "FARANDOLE_INSTANCE": "console",
        "FARANDOLE_DATABASE_URL": f"sqlite:///{tmp_path / 'console.db'}",
    }

    async def happen(first: int, service: str) -> None:
        events = [told(f"e-{number}", flow="flow") for number in range(first, first + HALF)]
        failed = [
            Message(topic=f"{service}.{what}", key=one.key, value=one.value, headers=one.headers)
            for one in events[::10]
            for what in ("retry.1", "dlq")
        ]
        dropped = [outcome(number) for number in range(first, first + HALF, 10)]
        await publisher.publish([*events, *failed, *dropped])

    console = Console(env, tmp_path / "console.log")
    await console.start()
    await happen(0, "payments")
    await console.until(1, 1)
    await console.kill()  # in the middle of it, as a rule
    await create(connection, late)
    await happen(HALF, "late")
    await console.start()
    events, happenings = await console.until(2 * HALF, 2 * 3 * HALF // 10)
    assert sorted(one["id"] for one in events) == sorted(f"e-{number}" for number in range(2 * HALF))
    found = sorted((one["kind"], one["service"]) for one in happenings)
    tenth = HALF // 10
    assert found == sorted(
        [("retry announced", "payments"), ("retry announced", "late"), ("dead letter", "payments")] * tenth
        + [("dead letter", "late"), ("duplicate dropped", "payments"), ("duplicate dropped", "payments")] * tenth
    )
    await console.kill()
    await console.http.aclose()
    await publisher.close()

"""One mesh with a little history for the whole folder, the console's real process on it, and a real browser."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from farandole import Envelope
from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.kafka.connection import Connection
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.local import ports
from farandole.operations import AuditTopic, Operation, recorded
from farandole.private_topics import PrivateTopics
from farandole.settings import Settings
from farandole.testing.backend import Backend
from farandole.wire_schemas import catalogue_here
from farandole_events import CancellationRequested
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = Path(os.environ.get("FARANDOLE_CHROMIUM", "/usr/bin/chromium"))
PICTURES = Path(__file__).parents[2] / "artefacts" / "browser"
WITHIN = 40.0
ADMIN = "admin-" + "a" * 30


@pytest.fixture(scope="session", autouse=True)
def chromium() -> None:
    """Without a browser the tests are skipped, with the reason; with one that was named and is not there they fail."""
    if not CHROMIUM.exists():
        tell = pytest.fail if "FARANDOLE_CHROMIUM" in os.environ else pytest.skip
        tell(f"{CHROMIUM} is not there: apt-get install -y chromium (as root), or set FARANDOLE_CHROMIUM")


def _whole(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


PERSON = "Zebedee Quillfeather"


def _letters() -> list[Message]:
    """Return two dead letters that failed alike; each names a person in its payload, and in its error."""
    value = Codec(catalogue_here(Settings())).encode(CancellationRequested(order_id="order-1", reason=PERSON))
    own = {
        "attempt": "1",
        "error_class": "GatewayAway",
        "error_message": f"no card of {PERSON} was found",
        "error_stack": "Traceback (most recent call last):",
    }
    return [
        Message(
            topic="payments.dlq",
            key=b"order-1",
            value=value,
            headers=(
                *Envelope(
                    id=id_,
                    type=CancellationRequested.avro.fullname,
                    source="orders",
                    subject="order-1",
                    time="2026-11-23T12:00:00Z",
                    correlation_id="flow-1",
                ).headers(),
                *((f"farandole_{name}", text.encode()) for name, text in own.items()),
                ("farandole_origin", f"orders|0|{offset}".encode()),
            ),
        )
        for offset, id_ in enumerate(("letter-1", "letter-2"), 1)
    ]


async def _history(backend: Backend) -> None:
    """Seed an order's flow, a dead letter, and a redrive that somebody did."""
    connection = Connection(bootstrap=backend.bootstrap, client_id="browser-tests")
    topics = [domain_topic(name, partitions=2) for name in ("orders", "payments", "reservations")]
    await create(connection, [*topics, *private_topics(PrivateTopics(service="payments", tiers=2), partitions=1)])
    steps = [("flow-1", "OrderPlaced", "orders", None), ("e-2", "StockReserved", "reservations", "flow-1")]
    steps += [("e-3", "PaymentDeclined", "payments", "flow-1"), ("e-4", "OrderCancelled", "orders", "e-3")]
    messages = [
        Message(
            topic=topic,
            key=b"order-1",
            value=b"content",
            headers=Envelope(
                id=id_,
                type=f"farandole.{topic}.{kind}",
                source=topic,
                subject="order-1",
                time="2026-11-23T12:00:00Z",
                correlation_id="flow-1",
                causation_id=cause,
            ).headers(),
        )
        for id_, kind, topic, cause in steps
    ]
    publisher = KafkaPublisher(connection)
    await publisher.publish([*messages, *_letters()])
    await publisher.close()
    operation = Operation(
        id="20261123T120000-0a1b2c3d",
        kind="redrive",
        service="payments",
        who="anna@desk",
        why="the gateway was down, ticket 4711",
        at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        command="farandole dlq redrive payments --reason 'the gateway was down, ticket 4711'",
    )
    async with AuditTopic(connection) as topic, recorded(topic, operation) as receipt:
        receipt.counts["sent"] = 3


Start = Callable[..., str]


@pytest.fixture(scope="session")
def start(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the console's process on the mesh, with more of an environment; return its address."""
    _whole(_history(backend))
    processes: list[subprocess.Popen[bytes]] = []

    def started(**more: str) -> str:
        home = tmp_path_factory.mktemp("console")
        (port,) = ports.free()
        env = {
            **os.environ,
            "FARANDOLE_BROKERS": backend.bootstrap,
            "FARANDOLE_CLUSTER": backend.cluster_id,
            "FARANDOLE_REDIS_URL": backend.redis_url,
            "FARANDOLE_HOME": str(home),
            "FARANDOLE_HTTP_PORT": str(port),
            "FARANDOLE_DATABASE_URL": f"sqlite:///{home / 'console.db'}",
            "FARANDOLE_DATABASE_URL_PAYMENTS": f"sqlite:///{home / 'payments.db'}",
            **more,
        }
        with (home / "console.log").open("wb") as log:
            command = [sys.executable, "-m", "farandole_console"]
            processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        _until_ready(f"http://127.0.0.1:{port}", home / "console.log")
        return f"http://127.0.0.1:{port}"

    yield started
    for one in processes:
        one.terminate()
    for one in processes:
        try:
            one.wait(10)
        except subprocess.TimeoutExpired:
            one.kill()


def _until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/login", timeout=2).status_code in {200, 303}:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the console does not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def console(start: Start) -> str:
    """The address of a console on the loopback, as a developer opens it."""
    return start()


@pytest.fixture(scope="session")
def guarded(start: Start) -> str:
    """The address of a console that demands a token."""
    return start(FARANDOLE_CONSOLE_TOKENS=f"ada:admin:{ADMIN}")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        await running.close()


class Watched:
    """A page whose every complaint fails the test: the browser's console, thrown errors, requests that failed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: said.type in {"error", "warning"} and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda one: self._failed(one.url, one.failure or ""))
        page.on("response", lambda one: one.status >= 400 and self.complaints.append(f"{one.status} {one.url}"))

    def _failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # a poll that the next page cut short
            self.complaints.append(f"{why} {url}")

    async def picture(self, name: str) -> None:
        """Keep a picture for whoever wants to look."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@pytest.fixture
async def watched(browser: Browser) -> AsyncIterator[Watched]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    one = Watched(await context.new_page())
    yield one
    await context.close()
    assert one.complaints == []

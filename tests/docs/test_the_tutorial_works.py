"""The files of the tutorial, put where it says, do what it says: contracts, tests, a run on a real Kafka."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from doc_pages import ROOT, fences
from farandole.codec import Codec
from farandole.envelope import Envelope
from farandole.testing.backend import Backend
from farandole_events import CATALOGUE, OrderCompleted

PAGE = ROOT / "docs/tutorial/your-first-service.md"
COMMAND = "from farandole.cli import main; main()"
WITHIN = 60.0
NOTHING: Mapping[str, str] = {}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the schemas and the files of the tutorial, installed as far as an environment can tell."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    for block in fences(PAGE, "json", "toml", "python"):
        file = folder / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")
    project = tomllib.loads((folder / "services/loyalty/pyproject.toml").read_text("utf-8"))["project"]
    ((group, points),) = project["entry-points"].items()
    installed = folder / "installed" / "farandole_loyalty-0.1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: farandole-loyalty\nVersion: 0.1.0\n", "utf-8")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (installed / "entry_points.txt").write_text(f"[{group}]\n{lines}", "utf-8")
    return folder


def environment(clone: Path, more: Mapping[str, str]) -> dict[str, str]:
    paths = (clone / "schemas/src", clone / "services/loyalty/src", clone / "installed")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **more}


def call(clone: Path, *arguments: str, expected: int = 0, more: Mapping[str, str] = NOTHING) -> str:
    said = subprocess.run(
        [sys.executable, *arguments],
        cwd=clone,
        env=environment(clone, more),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert said.returncode == expected, said.stdout + said.stderr
    return said.stdout + said.stderr


def farandole(clone: Path, *arguments: str, expected: int = 0, more: Mapping[str, str] = NOTHING) -> str:
    return call(clone, "-c", COMMAND, *arguments, expected=expected, more=more)


def test_the_event_gets_an_id_and_a_class_and_the_service_passes_its_tests(clone: Path):
    farandole(clone, "contracts", "generate")
    assert "contracts hold" in farandole(clone, "contracts", "check")
    said = call(
        clone, "-m", "pytest", "-q", "-c", os.devnull, "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "services"
    )
    assert "3 passed" in said


@pytest.mark.mesh
async def test_it_awards_points_on_a_real_mesh(clone: Path, own_backend: Backend):
    mesh = {
        "FARANDOLE_BROKERS": own_backend.bootstrap,
        "FARANDOLE_REDIS_URL": own_backend.redis_url,
        "FARANDOLE_HTTP_PORT": "0",
    }
    farandole(clone, "contracts", "generate")
    assert "loyalty.dlq" in farandole(clone, "topics", "plan", expected=3, more=mesh)
    farandole(clone, "topics", "apply", more=mesh)
    farandole(clone, "topics", "plan", more=mesh)
    service = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", COMMAND, "run", "loyalty"),
        cwd=clone,
        env=environment(clone, mesh),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        produce_twice(own_backend.bootstrap)
        values = await asyncio.to_thread(consume, own_backend.bootstrap)
    finally:
        service.terminate()
        ended = await asyncio.wait_for(service.wait(), 30)
    assert len(values) == 1
    assert b"VINET" in values[0]
    assert ended == 0


def produce_twice(bootstrap: str) -> None:
    order = OrderCompleted(
        order_id="10248", customer_id="VINET", total_cents=44_099, currency="USD", completed_at=datetime.now(UTC)
    )
    envelope = Envelope(
        id="completed-10248",
        type=order.avro.fullname,
        source="orders",
        subject=order.key,
        time="2026-01-05T00:00:00.000Z",
        correlation_id="placed-10248",
    )
    producer = Producer({"bootstrap.servers": bootstrap})
    for _ in range(2):
        producer.produce(
            "orders", key=order.key, value=Codec(CATALOGUE).encode(order), headers=list(envelope.headers())
        )
    assert producer.flush(WITHIN) == 0


def consume(bootstrap: str) -> list[bytes]:
    """Return what comes to the topic until two seconds pass without more."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    consumer.subscribe(["loyalty"])
    values: list[bytes] = []
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        message = consumer.poll(2.0)
        if message is not None and message.error() is None:
            values.append(message.value() or b"")
        elif values:
            break
    consumer.close()
    return values

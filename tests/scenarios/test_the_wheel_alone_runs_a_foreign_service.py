"""The library's wheel, alone in a clean environment, runs somebody else's service.

A team that has its own events and wants nothing of our business installs the wheel, writes a schema, generates its
classes, writes a handler, and runs it against its own Kafka and Redis. Nothing of the workspace is there: no event of
ours, no service of ours, no test package.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic, private_topics
from farandole.private_topics import PrivateTopics

ROOT = Path(__file__).parents[2]
UV = Path(sysconfig.get_path("scripts")) / "uv"
WITHIN = 60

SCHEMAS = {
    "greetings/GreetingSent.avsc": ("GreetingSent", "A greeting was sent."),
    "replies/ReplySent.avsc": ("ReplySent", "A greeting was answered."),
}

SERVICE = """
from farandole import Service, run
from foreign_events import GreetingSent, ReplySent

service = Service("replier")


@service.on(GreetingSent)
async def reply(greeting: GreetingSent) -> ReplySent:
    return ReplySent(name=greeting.name, text=f"hello {greeting.name}")


if __name__ == "__main__":
    run(service)
"""


def schema(topic: str, name: str, doc: str) -> str:
    fields = [
        {"name": "name", "type": "string", "doc": "Who is greeted."},
        {"name": "text", "type": "string", "doc": "What is said.", "default": ""},
    ]
    record = {"type": "record", "name": name, "namespace": f"farandole.{topic}", "doc": doc, "key": "name"}
    return json.dumps({**record, "fields": fields}, indent=2)


def call(*arguments: str | Path, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VIRTUAL_ENV", "FARANDOLE_", "PYTHONPATH"))}
    done = subprocess.run(
        [str(one) for one in arguments], capture_output=True, text=True, check=False, env=clean | environment
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clean environment that holds the wheel, and the team's own schemas and service."""
    folder = tmp_path_factory.mktemp("team")
    call(UV, "build", "--wheel", "--quiet", "--out-dir", folder / "wheels", ROOT / "shared")
    (wheel,) = (folder / "wheels").glob("farandole-*.whl")
    call(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    call(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[contracts]")
    for path, (name, doc) in SCHEMAS.items():
        file = folder / "schemas" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(schema(file.parent.name, name, doc))
    (folder / "service.py").write_text(SERVICE)
    command = folder / "venv" / "bin" / "farandole"
    call(command, "contracts", "generate", "--schemas", folder / "schemas", "--package", "foreign_events")
    return folder


@pytest.fixture
def running(team: Path, backend) -> Iterator[subprocess.Popen[bytes]]:
    connection = Connection(bootstrap=backend.bootstrap, client_id="team")
    topics = [domain_topic(name, partitions=1) for name in ("greetings", "replies")]
    own = private_topics(PrivateTopics(service="replier", tiers=4), partitions=1)
    asyncio.run(create(connection, [*topics, *own]))
    environment = {
        **os.environ,
        "PYTHONPATH": str(team / "schemas" / "src"),
        "FARANDOLE_BROKERS": backend.bootstrap,
        "FARANDOLE_REDIS_URL": backend.redis_url,
        "FARANDOLE_HTTP_PORT": "0",
    }
    process = subprocess.Popen([team / "venv" / "bin" / "python", team / "service.py"], env=environment)
    yield process
    process.terminate()
    assert process.wait(WITHIN) == 0


def test_nothing_of_ours_is_in_the_environment(team):
    listed = call(UV, "pip", "list", "--quiet", "--python", team / "venv" / "bin" / "python")
    ours = [line.split()[0] for line in listed.splitlines() if line.startswith("farandole")]
    assert ours == ["farandole"]


@pytest.mark.timeout(WITHIN * 3)
def test_a_foreign_service_answers_a_foreign_event(team, running, backend):
    lock = [json.loads(line) for line in (team / "schemas" / "ids.lock").read_text().splitlines()]
    (greeting,) = [row["id"] for row in lock if row["schema"]["name"] == "GreetingSent"]
    value = b"\x00" + greeting.to_bytes(4, "big") + b"\x06Ada" + b"\x00"
    producer = Producer({"bootstrap.servers": backend.bootstrap})
    producer.produce("greetings", key="Ada", value=value)
    producer.flush(10)
    consumer = Consumer(
        {"bootstrap.servers": backend.bootstrap, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["replies"])
    reply = consumer.poll(WITHIN)
    consumer.close()
    assert reply is not None, "no reply came"
    assert reply.error() is None
    assert b"hello Ada" in reply.value()
    assert dict(reply.headers())["ce_source"] == b"replier"

"""Making the broker's AOT cache: a throwaway broker does its work once and writes down what it loaded."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from farandole.errors import LocalMeshError
from farandole.local import aot, cache, jars, java, kafka_settings
from farandole.local.broker import Broker

# Writing the cache is the JVM's last deed, and takes it seconds of one core at the lowest priority.
_WRITTEN_WITHIN = timedelta(minutes=3)
_TOPIC = "training"


async def make() -> Path | None:
    """Make the cache for this machine unless it is there or another process is making it; return its file.

    None when this machine cannot have one, or the attempt failed: the broker runs without it, only starts slower.
    """
    runtime = await asyncio.to_thread(java.find)
    if not kafka_settings.takes_aot_cache(runtime) or shutil.which("nice") is None:
        return None
    plain = kafka_settings.jvm(runtime, jars=jars.folder(), folder=Path())
    file = aot.file_for(plain, runtime)
    if file.is_file():
        return file
    cache.folder().mkdir(parents=True, exist_ok=True)
    with _alone(file.with_suffix(".lock")) as alone, tempfile.TemporaryDirectory(dir=cache.folder()) as folder:
        return await _record(Path(folder), file) if alone else None


async def _record(folder: Path, file: Path) -> Path | None:
    output = folder / file.name
    broker = Broker(folder / "broker", record=output)
    try:
        await broker.start()
        await asyncio.to_thread(_exercise, broker.bootstrap)
        await broker.stop(within=_WRITTEN_WITHIN)
    except (LocalMeshError, KafkaException, TimeoutError):
        return None
    finally:
        await broker.kill()
    if not output.is_file():
        return None
    output.replace(file)
    return file


def _exercise(bootstrap: str) -> None:
    """Do what the mesh's first seconds do: make a topic, produce, consume in a group, commit."""
    quiet: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "log_level": 0}
    admin = AdminClient(quiet)
    for made in admin.create_topics([NewTopic(_TOPIC, 2, 1)]).values():
        made.result(30)
    producer = Producer({**quiet, "enable.idempotence": True})
    for _ in range(100):
        producer.produce(_TOPIC, b"x")
    producer.flush(30)
    consumer = Consumer({**quiet, "group.id": _TOPIC, "auto.offset.reset": "earliest"})
    consumer.subscribe([_TOPIC])
    try:
        if consumer.consume(100, 30):
            consumer.commit(asynchronous=False)
    finally:
        consumer.close()


@contextmanager
def _alone(lock: Path) -> Generator[bool]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True

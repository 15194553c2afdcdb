"""Kafka and Valkey as containers, of the Apache and Valkey projects' own images."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from farandole.errors import LocalMeshError
from farandole.local import broker, kafka_settings, ports, redis

KAFKA_IMAGE = "apache/kafka:4.3.1"
VALKEY_IMAGE = "valkey/valkey:9.1"
_START_SECONDS = 120.0
_INSIDE = 9092


def lacking() -> str:
    """Say what keeps Docker from being used at once; empty when nothing does."""
    try:
        import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with testcontainers
        from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        return "no Docker client is installed (testcontainers)"
    try:
        client = docker.from_env(timeout=3)
        client.ping()
        absent = [image for image in (KAFKA_IMAGE, VALKEY_IMAGE) if not client.images.list(name=image)]
    except DockerException:
        return "no Docker daemon answers"
    return f"Docker has no image {', '.join(absent)}" if absent else ""


class _InDocker:
    """One container whose port on the loopback is chosen beforehand, so that it stays over stop, kill and start."""

    def __init__(self, image: str, inside: int) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - for tests only

        self.port = ports.free()[0]
        container: Any = DockerContainer(image)
        self._container = container
        self._container.ports[f"{inside}/tcp"] = (ports.LOOPBACK, self.port)
        self._made = False

    async def start(self) -> None:
        """Start the container, or the same one again, and wait until the server answers."""
        if self._made:
            await asyncio.to_thread(self._container.get_wrapped_container().start)
        else:
            await asyncio.to_thread(self._container.start)
            self._made = True
        deadline = time.monotonic() + _START_SECONDS
        while not await self._answers():
            if time.monotonic() > deadline:
                raise LocalMeshError(
                    f"{self._container.image} did not answer within {_START_SECONDS:g} s",
                    do="see docker logs",
                    code="E409",
                )
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop the container in order."""
        if self._made:
            await asyncio.to_thread(self._container.get_wrapped_container().stop)

    async def kill(self) -> None:
        """End the server as a crash would."""
        if self._made:
            await asyncio.to_thread(self._container.get_wrapped_container().kill)

    async def _answers(self) -> bool:
        raise NotImplementedError


class KafkaInDocker(_InDocker):
    """A Kafka of one node, told what the embedded one is told wherever a test could notice."""

    def __init__(self) -> None:
        super().__init__(KAFKA_IMAGE, _INSIDE)
        self.cluster_id = kafka_settings.new_cluster_id()
        told = kafka_settings.settings(port=_INSIDE, controller_port=_INSIDE + 1, host="0.0.0.0")  # noqa: S104 - inside the container
        told["advertised.listeners"] = f"CLIENT://{self.bootstrap}"
        told["controller.quorum.voters"] = f"1@localhost:{_INSIDE + 1}"
        for key, value in told.items():
            self._container.with_env("KAFKA_" + key.upper().replace(".", "_"), str(value))
        self._container.with_env("CLUSTER_ID", self.cluster_id)

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{ports.LOOPBACK}:{self.port}"

    async def _answers(self) -> bool:
        return await ports.listening(self.port) and await asyncio.to_thread(broker.answers, self.bootstrap)


class RedisInDocker(_InDocker):
    """A Valkey with an append-only file and without eviction."""

    def __init__(self) -> None:
        super().__init__(VALKEY_IMAGE, 6379)
        self._container.with_command(
            "valkey-server --appendonly yes --appendfsync everysec --maxmemory-policy noeviction"
        )

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"redis://{ports.LOOPBACK}:{self.port}/0"

    async def _answers(self) -> bool:
        return await redis.pong(self.port)

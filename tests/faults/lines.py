"""Lines: the proxies between the services and Kafka, and between each service and Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from farandole.local.mesh import LocalMesh
from farandole.local.ports import LOOPBACK
from farandole.testing.tcp_fault import CUT, HALF_OPEN, HEALTHY, STALLED, TcpFault, lost_reply, slow
from farandole.testing.tcp_proxy import TcpProxy
from timeline import BROKER, REDIS, Trouble

_LOST_REPLIES = 3


class Lines:
    """One line to Kafka for all services, one to Redis for each. Use it as an async context manager."""

    def __init__(self, services: Sequence[str]) -> None:
        self._kafka = TcpProxy()
        self._redis = {name: TcpProxy() for name in services}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for proxy in (self._kafka, *self._redis.values()):
            await self._open.enter_async_context(proxy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    @property
    def kafka_port(self) -> int:
        """The port that Kafka's clients come to."""
        return self._kafka.port

    def environment(self, service: str) -> Mapping[str, str]:
        """Return what leads a service through its lines."""
        return {
            "FARANDOLE_BROKERS": f"{LOOPBACK}:{self._kafka.port}",
            "FARANDOLE_REDIS_URL": f"redis://{LOOPBACK}:{self._redis[service].port}/0",
        }

    def lead_to(self, mesh: LocalMesh) -> None:
        """Lead the lines to the broker and the Redis of a mesh that starts."""
        self._kafka.to = mesh.kafka_proxied_port
        for proxy in self._redis.values():
            proxy.to = urlsplit(mesh.redis_url).port

    async def suffer(self, target: str, detail: Mapping[str, Any]) -> None:
        """Begin the trouble that a fault's detail names."""
        for proxy in self._of(target):
            await proxy.suffer(_fault(detail))

    async def heal(self, target: str) -> None:
        """End every trouble of a line."""
        for proxy in self._of(target):
            await proxy.suffer(HEALTHY)

    def _of(self, target: str) -> Sequence[TcpProxy]:
        if target == BROKER:
            return (self._kafka,)
        if target == REDIS:
            return tuple(self._redis.values())
        return (self._redis[target.removeprefix(f"{REDIS} of ")],)


def _fault(detail: Mapping[str, Any]) -> TcpFault:
    match Trouble(detail["trouble"]):
        case Trouble.CUT:
            return CUT
        case Trouble.HALF_OPEN:
            return HALF_OPEN
        case Trouble.STALLED:
            return STALLED
        case Trouble.SLOW:
            return slow(timedelta(milliseconds=detail["each_way_ms"]))
        case Trouble.LOST_REPLY:
            return lost_reply(replies=_LOST_REPLIES)

"""The services of a mesh, found by their entry points, and the environment that each is given."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from farandole.local import ports

GROUP = "farandole.services"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProcess:
    """A service as the mesh runs it: ``python -m MODULE``, with ``env`` on top of what every service is given.

    ``preload`` is a module to import while the broker still starts; ``priority`` services start first (highest first).
    """

    name: str
    module: str
    preload: str = ""
    priority: int = 0
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def argv(self, gate: Path) -> tuple[str, ...]:
        """Return the command, which imports at once and runs when ``gate`` exists."""
        return (sys.executable, "-m", "farandole.local.launch", str(gate), self.module, self.preload)


def discover(*, first: Sequence[str] = ()) -> tuple[ServiceProcess, ...]:
    """Return every service installed here (entry points in ``farandole.services``); ``first`` start first."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(
        _from(entry, priority=len(first) - first.index(entry.name) if entry.name in first else 0) for entry in found
    )


def _from(entry: EntryPoint, *, priority: int) -> ServiceProcess:
    return ServiceProcess(name=entry.name, module=entry.module.split(".")[0], preload=entry.module, priority=priority)


def in_order(services: Sequence[ServiceProcess]) -> tuple[ServiceProcess, ...]:
    """Return the services in the order in which they start."""
    return tuple(sorted(services, key=lambda service: -service.priority))


def url_variable(name: str) -> str:
    """Return the variable that tells every service where ``name`` is: ``FARANDOLE_URL_ORDERS``."""
    return f"FARANDOLE_URL_{name.upper().replace('-', '_')}"


def database_variable(name: str) -> str:
    """Return the variable that tells an operator's commands where the database of ``name`` is."""
    return f"FARANDOLE_DATABASE_URL_{name.upper().replace('-', '_')}"


def database_url(home: Path, name: str) -> str:
    """Return where an embedded mesh keeps the database of a service."""
    return f"sqlite:///{home / 'stores' / name}.db"


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the services of one mesh are told: where everything is."""

    home: Path
    bootstrap: str
    redis_url: str
    cluster_id: str
    webhook_secret: str = field(repr=False)
    http_ports: Mapping[str, int]

    def url(self, name: str) -> str:
        """Return the address of a service's HTTP side."""
        return f"http://{ports.LOOPBACK}:{self.http_ports[name]}"

    def environment(self, service: ServiceProcess, base: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of a service's process, on top of ``base``."""
        return {
            **base,
            "PYTHONUNBUFFERED": "1",
            "FARANDOLE_HOME": str(self.home),
            "FARANDOLE_BROKERS": self.bootstrap,
            "FARANDOLE_REDIS_URL": self.redis_url,
            "FARANDOLE_CLUSTER": self.cluster_id,
            "FARANDOLE_DATABASE_URL": database_url(self.home, service.name),
            # A mesh runs one process of each service: started again after a crash, it is the same member.
            "FARANDOLE_INSTANCE": service.name,
            "FARANDOLE_HTTP_HOST": ports.LOOPBACK,
            "FARANDOLE_HTTP_PORT": str(self.http_ports[service.name]),
            "FARANDOLE_WEBHOOK_SECRET": self.webhook_secret,
            **{url_variable(name): self.url(name) for name in self.http_ports},
            **service.env,
        }

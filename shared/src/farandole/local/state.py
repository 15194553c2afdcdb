"""What ``mesh.json`` says: the running mesh, for other commands to find."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

FILE = "mesh.json"
Kind = Literal["broker", "redis", "service"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessState:
    """One process of the mesh, and how often it was started again. ``pid`` is None while it is down."""

    name: str
    kind: Kind
    url: str
    log: str
    pid: int | None
    restarts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshState:
    """The whole mesh as its own process (``pid``) last wrote it down."""

    pid: int
    home: str
    since: datetime
    bootstrap: str
    redis_url: str
    cluster_id: str
    processes: tuple[ProcessState, ...]

    def process(self, name: str) -> ProcessState:
        """Return the process called ``name``.

        Raises:
            KeyError: There is none.
        """
        for process in self.processes:
            if process.name == name:
                return process
        raise KeyError(name)

    def url(self, name: str) -> str:
        """Return the address of a service's HTTP side."""
        return self.process(name).url

    @property
    def services(self) -> tuple[ProcessState, ...]:
        """The services, without broker and Redis."""
        return tuple(process for process in self.processes if process.kind == "service")


def write(home: Path, state: MeshState) -> None:
    """Write the state down; a reader sees the old or the new one, never a half."""
    arriving = home / f"{FILE}.{os.getpid()}"
    arriving.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    arriving.replace(home / FILE)


def read(home: Path) -> MeshState | None:
    """Read what was last written down; None when there is nothing, or nothing that this version understands."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=MeshState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def erase(home: Path) -> None:
    """Take the state away: the mesh has stopped."""
    (home / FILE).unlink(missing_ok=True)

"""Memory: the most that each process of a mesh was ever seen to hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from farandole.local import processes
from farandole.local.mesh import LocalMesh

_EVERY_SECONDS: Final = 1.0
_MEGABYTE: Final = 1024 * 1024


class Memory:
    """Looks at the processes of a mesh once a second, as long as ``watch`` runs."""

    def __init__(self, mesh: LocalMesh) -> None:
        self._mesh = mesh
        self._peaks: dict[str, int] = {}

    @property
    def peaks(self) -> Mapping[str, int]:
        """The peaks by process, in megabytes."""
        return {name: round(most / _MEGABYTE) for name, most in sorted(self._peaks.items())}

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            for process in self._mesh.state().processes:
                held = processes.resident_bytes(process.pid) if process.pid is not None else None
                self._peaks[process.name] = max(self._peaks.get(process.name, 0), held or 0)
            await asyncio.sleep(_EVERY_SECONDS)

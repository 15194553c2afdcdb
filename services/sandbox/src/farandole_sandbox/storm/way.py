"""Way: how failed calls are tried again: by the loops that people write by hand, and by the mesh."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """The ways that are compared, in the order in which they are run."""

    NAIVE = "naive"
    BACKOFF = "backoff"
    MESH = "mesh"

    @property
    def spoken(self) -> str:
        """The way as a person reads it."""
        return _SPOKEN[self]


_SPOKEN = {Way.NAIVE: "immediate retry", Way.BACKOFF: "backoff alone", Way.MESH: "the mesh"}

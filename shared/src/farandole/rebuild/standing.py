"""Standing: where the generations of a service stand, as `status` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The generations of a service.

    Args:
        service: whose they are.
        current: the one that is to answer.
        served_by: the replicas that have said that they answer from it; nobody says so of one that was never changed.
        kept: what can be switched back to.
        leftover: given up, and yet to be removed.
        building: the one that is being built; None where none is.
        begun_by: who began it, and when.
        begun_at: as above.
        read: how many offsets it has read, of ``records``.
        records: how many there are to read, as the logs are now.
    """

    service: str
    current: int
    served_by: tuple[str, ...]
    kept: tuple[int, ...]
    leftover: tuple[int, ...]
    building: int | None
    begun_by: str
    begun_at: datetime | None
    read: int
    records: int

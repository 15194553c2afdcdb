"""Claim: a delivery asks the ledger whether it counts; the verdict is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from farandole.delivery import Coordinates


class Verdict(Enum):
    """What the worker has to do with a claimed delivery. The values are the bytes that the script answers."""

    RUN = b"R"
    """It counts: run the handler."""
    DROP = b"D"
    """A duplicate: commit its offset, do nothing else."""
    REPUBLISH_RETRY = b"r"
    """It failed before and announced a retry whose record may be missing: publish that record (again), commit."""
    REPUBLISH_DEAD = b"d"
    """It failed for good before and its dead letter may be missing: publish that (again), commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A delivery that asks whether it counts.

    ``attempt`` must be 0 for a delivery that did not come through a private topic of the service: attempt headers
    elsewhere are forgeries. ``digest`` is the CRC-32 of the record's value bytes.
    """

    key: bytes
    attempt: int
    coordinates: Coordinates
    digest: int = 0

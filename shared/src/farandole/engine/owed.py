"""Owed: what was handled while the ledger was away, and is told to it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from farandole.ledger import Claim, Settle, Verdict

MOST_OWED: Final = 10_000


class Owed:
    """Settles of deliveries that are finished, with their events in the inbox and their follow-ons acknowledged.

    Each is claimed first, as its delivery was not while the ledger was away: otherwise the ledger would refuse to
    settle a retry that it knows to be announced. Then, with the next exchange, it is settled.
    """

    def __init__(self) -> None:
        self._unclaimed: list[Settle] = []
        self._claimed: list[Settle] = []

    def __len__(self) -> int:
        return len(self._unclaimed) + len(self._claimed)

    def add(self, settle: Settle) -> None:
        """Note one more, unless there are too many: the first ones count, the ledger may know of them already."""
        if len(self) < MOST_OWED:
            self._unclaimed.append(settle)

    def batch(self, most: int) -> tuple[Sequence[Settle], Sequence[Claim]]:
        """Return what the next exchange is to settle and to claim, at most so many of each."""
        claims = [
            Claim(key=one.key, attempt=one.attempt, coordinates=one.coordinates, digest=one.digest)
            for one in self._unclaimed[:most]
        ]
        return self._claimed[:most], claims

    def told(self, settled: int, verdicts: Sequence[Verdict]) -> None:
        """Take the answers to a batch. What is not ours to run is somebody else's, who will find it in the inbox."""
        del self._claimed[:settled]
        self._claimed += [
            one for one, verdict in zip(self._unclaimed, verdicts, strict=False) if verdict is Verdict.RUN
        ]
        del self._unclaimed[: len(verdicts)]

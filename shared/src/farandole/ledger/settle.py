"""Settle: a worker tells the ledger what became of a delivery that it had claimed."""

from __future__ import annotations

from dataclasses import dataclass

from farandole.delivery import Coordinates
from farandole.ledger.entry import Entry, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Settle:
    """What became of a delivery: DONE, RETRY (which announces attempt + 1) or DEAD.

    RETRY and DEAD are settled *before* the record that they announce is published, DONE *after* the follow-ons are
    acknowledged. ``attempt`` and ``coordinates`` are those of the claimed delivery.

    Raises:
        ValueError: ``state`` is CLAIMED, which no settle can bring about.
    """

    key: bytes
    attempt: int
    coordinates: Coordinates
    state: State
    digest: int = 0

    def __post_init__(self) -> None:
        if self.state is State.CLAIMED:
            raise ValueError("a settle is DONE, RETRY or DEAD; only a claim makes an entry CLAIMED")

    @property
    def outcome(self) -> Entry:
        """The entry as it stands once this settle is accepted."""
        attempt = self.attempt + 1 if self.state is State.RETRY else self.attempt
        return Entry(attempt=attempt, coordinates=self.coordinates, state=self.state, digest=self.digest)

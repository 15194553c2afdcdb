"""Epoch: the life of a ledger between two losses. What was fetched under another one is abandoned."""

from __future__ import annotations

from farandole.errors import EpochChangedError


def epoch_changed() -> EpochChangedError:
    """Return the error of an exchange under an epoch that has passed."""
    return EpochChangedError(
        "the ledger's epoch changed",
        why="Redis was wiped, restarted or failed over since these deliveries were fetched",
        do="nothing: what is in flight is abandoned, and the worker rejoins and fetches it again",
    )

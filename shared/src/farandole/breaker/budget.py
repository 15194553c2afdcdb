"""Budget: how many reruns the fleet can afford: successes deposit, reruns withdraw.

The idea is Finagle's `RetryBudget` (Twitter, 2016): a retry for every few requests that succeed, and a few a second
whatever happens. So reruns never add more than a fifth to the load, however many deliveries want one; whoever finds
the budget empty waits for it, and is never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

DEPOSIT: Final = 0.2
FLOOR: Final = 5.0
"""Reruns a second that need no success: a quiet service can afford them, and a dead system notices none of it."""
MOST: Final = 50.0
SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """``tokens`` as they were ``at`` that moment."""

    at: datetime
    tokens: float = FLOOR


def grown(budget: Budget, now: datetime) -> Budget:
    """Return the budget as it is now: what the time since brought."""
    seconds = max(timedelta(0), now - budget.at) / SECOND
    return Budget(at=max(now, budget.at), tokens=min(MOST, budget.tokens + FLOOR * seconds))


def deposited(budget: Budget) -> Budget:
    """Return the budget after a success."""
    return replace(budget, tokens=min(MOST, budget.tokens + DEPOSIT))


def affordable(budget: Budget) -> int:
    """Return how many reruns can be had."""
    return int(budget.tokens)


def withdrawn(budget: Budget, reruns: int) -> Budget:
    """Return the budget after so many reruns."""
    return replace(budget, tokens=budget.tokens - reruns)


def until_next(budget: Budget) -> timedelta:
    """Return how long it takes, at the latest, until there is a rerun to be had."""
    return max(0.0, 1.0 - budget.tokens) / FLOOR * SECOND

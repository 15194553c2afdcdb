"""Fitness: whether a Redis may hold the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from farandole.errors import StartError

_FLOOR: Final = (7, 0)


def fit_for_ledger(info: Mapping[str, Any]) -> None:
    """Refuse a Redis that may throw entries away, or that is too old. Raises StartError."""
    policy = info.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        raise StartError(
            f"Redis may evict ledger entries: its maxmemory-policy is {policy}",
            why="an evicted entry is an event handled twice, or lost",
            do="redis-cli CONFIG SET maxmemory-policy noeviction   and set it in redis.conf",
            code="E120",
        )
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _FLOOR:
        raise StartError(
            f"Redis {version} is too old for the ledger",
            why="its scripts need Redis 7.0 or Valkey",
            do="upgrade Redis",
            code="E121",
        )

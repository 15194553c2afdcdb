"""Which Redis may hold the ledger."""

from __future__ import annotations

import pytest
from farandole.errors import StartError
from farandole.ledger.fitness import fit_for_ledger


@pytest.mark.parametrize("version", ["7.0.15", "7.2.4", "8.0", "10.1.0"])
def test_redis_seven_and_newer_without_eviction_is_fit(version: str):
    fit_for_ledger({"maxmemory_policy": "noeviction", "redis_version": version})


@pytest.mark.parametrize("version", ["6.2.14", "5.0", "unreadable"])
def test_an_older_redis_is_refused_with_its_version(version: str):
    with pytest.raises(StartError, match=version) as refused:
        fit_for_ledger({"maxmemory_policy": "noeviction", "redis_version": version})
    assert refused.value.do


@pytest.mark.parametrize("info", [{"maxmemory_policy": "allkeys-lru"}, {}])
def test_a_redis_that_may_evict_or_does_not_say_is_refused(info: dict[str, str]):
    with pytest.raises(StartError, match="maxmemory-policy"):
        fit_for_ledger({"redis_version": "7.2.4", **info})

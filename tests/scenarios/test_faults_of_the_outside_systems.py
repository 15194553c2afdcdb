"""The systems outside misbehave while the demo runs, and every order ends as it should.

The Northwind orders run through a whole embedded mesh. Meanwhile the payment gateway fails every fifth call and takes
only so many a second, answers are lost after the work was done, calls and webhooks arrive twice, carriers bring parcels
back that nobody asked back, the supplier portal is away for a while, everything is slow. What was done outside has to
be done once all the same, by the outside systems' own books, and nothing may be given up: each of these ends by itself.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from mischief import LONG, Mischief, assert_nothing_came_of_it, mischief

ORDERS = 60
WITHIN = timedelta(seconds=300)
LONG_WITHIN = timedelta(seconds=1200)


async def everything_at_once(outside: Mischief, *, lasts: timedelta) -> None:
    """Switch every fault on; those that cost attempts end after a while, as a delivery has only so many."""
    seconds = lasts.total_seconds()
    await outside.fault("gateway", "error_ratio", ratio=0.2, seed=7, seconds=seconds)
    await outside.fault("gateway", "rate_limit", per_second=20, retry_after_seconds=1, seconds=seconds)
    await outside.fault("suppliers", "outage", seconds=seconds / 2)
    await outside.fault("*", "lost_answers", ratio=0.1, seed=3, seconds=seconds)
    await outside.fault("*", "duplicate_answers", ratio=0.2, seed=4)
    await outside.fault("*", "duplicate_webhooks", ratio=0.5, seed=5)
    await outside.fault("*", "latency", p50_ms=20, p99_ms=300, seed=6)
    await outside.fault("carriers", "returns", ratio=0.1, seed=8)


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_faults_of_every_kind_at_once_lose_and_double_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=ORDERS, within=WITHIN) as (demo, outside):
        await everything_at_once(outside, lasts=timedelta(seconds=6))
        ended = await demo.ended()
    assert ended.document["retries"] > 0, "the faults hit nothing"
    assert_nothing_came_of_it(ended, orders=ORDERS)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(LONG_WITHIN.total_seconds() + 30)
async def test_a_gateway_that_fails_every_fifth_call_all_the_time_loses_and_doubles_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=150, within=LONG_WITHIN) as (demo, outside):
        await outside.fault("gateway", "error_ratio", ratio=0.2, seed=11)
        ended = await demo.ended()
    assert ended.document["retries"] > 0, "the fault hit nothing"
    assert_nothing_came_of_it(ended, orders=150)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(LONG_WITHIN.total_seconds() + 30)
async def test_faults_of_every_kind_and_kills_together_lose_and_double_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=150, within=LONG_WITHIN) as (demo, outside):
        await everything_at_once(outside, lasts=timedelta(seconds=20))
        await demo.placed(40)
        await outside.kill("payments", "sandbox")
        await outside.wipe_redis()
        await outside.kill("kafka", "redis", "shipping")
        await outside.reached("completed", 1)
        await outside.kill("payments")
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=150)

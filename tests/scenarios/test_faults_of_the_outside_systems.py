"""The systems outside misbehave while the demo runs, and every order ends as it should.

The Northwind orders run through a whole embedded mesh. Meanwhile the payment gateway fails every fifth call and takes
only so many a second, answers are lost after the work was done, calls and webhooks arrive twice, carriers bring parcels
back that nobody asked back, the supplier portal is away for a while, everything is slow. What was done outside has to
be done once all the same, by the outside systems' own books, and nothing may be given up: each of these ends by itself.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from farandole_sandbox.chaos.weather import everything_at_once
from farandole_sandbox.faults import Fault, FaultKind, System
from mischief import LONG, assert_nothing_came_of_it, mischief
from sandbox_books import calls_of

ORDERS = 60
WITHIN = timedelta(seconds=300)
FAULTY = {0, 429, 500}
"""How the gateway answers a call that a fault hit: not at all, with too many, or with an error."""
LONG_WITHIN = timedelta(seconds=1200)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_faults_of_every_kind_at_once_lose_and_double_nothing(tmp_path):
    home = tmp_path / "home"
    async with mischief(home, orders=ORDERS, within=WITHIN) as (demo, outside):
        await outside.switch_on(everything_at_once(lasts=timedelta(seconds=6)))
        ended = await demo.ended()
    assert calls_of(home, "gateway").keys() & FAULTY, "the faults hit nothing"
    assert_nothing_came_of_it(ended, orders=ORDERS)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(LONG_WITHIN.total_seconds() + 30)
async def test_a_gateway_that_fails_every_fifth_call_all_the_time_loses_and_doubles_nothing(tmp_path):
    home = tmp_path / "home"
    async with mischief(home, orders=150, within=LONG_WITHIN) as (demo, outside):
        await outside.switch_on([Fault(system=System.GATEWAY, kind=FaultKind.ERROR_RATIO, ratio=0.2, seed=11)])
        ended = await demo.ended()
    assert calls_of(home, "gateway")[500] > 0, "the fault hit nothing"
    assert_nothing_came_of_it(ended, orders=150)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(LONG_WITHIN.total_seconds() + 30)
async def test_faults_of_every_kind_and_kills_together_lose_and_double_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=150, within=LONG_WITHIN) as (demo, outside):
        await outside.switch_on(everything_at_once(lasts=timedelta(seconds=20)))
        await demo.placed(40)
        await outside.kill("payments", "sandbox")
        await outside.wipe_redis()
        await outside.kill("kafka", "redis", "shipping")
        await outside.reached("completed", 1)
        await outside.kill("payments")
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=150)
